//! The catalogue's charts: read together, drawn once for all viewers, and shown with titles and links.
//!
//! [`read_charts`] reads the numbers of a group of charts and draws each; [`ChartGrid`] shows the group.
//! [`spec::chart`] decides what a chart looks like, without components. [`alarms`] adds the alarms that watch it.

mod alarms;
mod cache;
mod question;
mod spec;
mod view;

pub(crate) use alarms::{draw_threshold, threshold, tier};
pub(crate) use cache::{Of, draw_once};
pub use question::{Comparison, Question};
pub(crate) use spec::fact;
pub use view::{ChartGrid, UnreadCharts};

use crate::context::Page;
use spillway_dashboard_charts::{Drawn, LegendItem};
use spillway_dashboard_model::alarms::AlarmSource;
use spillway_dashboard_model::catalogue::{self, Entry};
use spillway_dashboard_model::flow::{Fact, FlowSnapshot};
use spillway_dashboard_model::{Freshness, MetricReader, ReadError};
use spillway_dashboard_words::relative;
use std::sync::Arc;

/// Charts that were read together.
#[derive(Clone, Debug)]
pub struct ChartGroup {
    /// The charts, in the order of their entries.
    pub charts: Vec<ShownChart>,
    /// How new their numbers are.
    pub freshness: Freshness,
}

/// A chart with its legend and current value.
#[derive(Clone, Debug)]
pub struct ShownChart {
    /// What it shows.
    pub entry: Entry,
    /// The drawing, shared by all viewers.
    pub drawn: Arc<Drawn>,
    /// Its series, if there is more than one.
    pub legend: Vec<LegendItem>,
    /// The newest value, unless there is none or it is too old to be called current.
    pub current: Option<Current>,
}

/// The newest value of a chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Current {
    /// With its unit.
    pub value: String,
    /// Which value it is, where the title does not say it: `p99`, `accepted in 5 min`.
    pub note: Option<String>,
    /// Its name, if it is on the page a second time.
    pub fact: Option<String>,
}

impl ChartGroup {
    /// The same, with the age of the oldest event as the ledger has it now. A chart's own number is up to a minute old.
    pub fn with_oldest(mut self, flow: Option<&FlowSnapshot>, page: &Page) -> Self {
        // In AWS the queue itself leaves out messages received three times, so there the chart knows more.
        let knows_all = |flow: &&FlowSnapshot| flow.queue.is_empty() || !flow.queue.receive_counts.is_empty();
        let Some(flow) = flow.filter(knows_all).filter(|_| page.range.preset.is_some()) else { return self };
        for chart in self.charts.iter_mut().filter(|chart| chart.entry.key == OLDEST) {
            chart.legend.iter_mut().for_each(|item| item.latest = None);
            chart.current = Some(match flow.queue.oldest_sent_at {
                Some(sent) => Current {
                    value: relative(page.now.as_second() - sent.as_second()),
                    note: Some("sent".to_owned()),
                    fact: Some(Fact::Oldest.name().to_owned()),
                },
                None => Current { value: "none".to_owned(), note: None, fact: None },
            });
        }
        self
    }
}

/// The chart of the oldest event's age.
const OLDEST: &str = "oldest";

/// Reads the charts of a group in one call to the source, and draws those that are not in the cache. Adds thresholds
/// and periods in alarm of the rules that watch them.
///
/// # Errors
/// [`ReadError`] if there are no numbers to show, not even old ones. A comparison that cannot be read is left out, and
/// the freshness has the reason.
pub async fn read_charts(
    reader: &dyn MetricReader,
    entries: Vec<Entry>,
    question: &Question,
    alarms: &dyn AlarmSource,
) -> Result<ChartGroup, ReadError> {
    let numbers = catalogue::read(reader, &entries, question.range, question.period);
    let (now, alarms) = futures::join!(numbers, alarms::read(alarms, question.range));
    let now = now?;
    let watchers = alarms.watchers();
    let mut freshness = now.freshness.clone();
    let earlier = match question.earlier_range() {
        None => None,
        Some(range) => {
            let compared: Vec<Entry> = entries.iter().map(spec::compared).collect();
            match catalogue::read(reader, &compared, range, question.period).await {
                Ok(earlier) => Some(earlier),
                Err(error) => {
                    freshness.error.get_or_insert(error);
                    None
                }
            }
        }
    };
    let charts = entries.into_iter().enumerate().filter_map(|(index, entry)| {
        let numbers = now.charts.get(index)?;
        let before = earlier.as_ref().and_then(|earlier| earlier.charts.get(index));
        let mut chart = spec::chart(&entry, numbers, before, (now.range, question));
        alarms.mark(&mut chart, &watchers.watching(&entry, question.period));
        let (current, index) = spec::current(&entry, &chart, (now.range, question)).unzip();
        Some(ShownChart {
            current,
            legend: if chart.series.len() > 1 { spec::legend_at(&chart, index) } else { Vec::new() },
            drawn: draw_once(Of::Entry(entry.stage, entry.key), &chart),
            entry,
        })
    });
    Ok(ChartGroup { charts: charts.collect(), freshness })
}
