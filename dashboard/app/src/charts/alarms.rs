//! What alarms add to a chart: the thresholds of the rules that watch it, and their periods in alarm.

use spillway_dashboard_charts::{AlarmPeriod, Chart, Threshold, Tier, Unit};
use spillway_dashboard_model::TimeRange;
use spillway_dashboard_model::alarms::{self, AlarmSource, AlarmsNow, Watch, Watchers};

/// Alarms over the range of a group of charts. If they cannot be read, charts are shown without them.
#[derive(Default)]
pub(super) struct Alarms {
    now: Option<AlarmsNow>,
    periods: Vec<alarms::AlarmPeriod>,
}

pub(super) async fn read(source: &dyn AlarmSource, range: TimeRange) -> Alarms {
    let (now, periods) = futures::join!(source.now(), source.periods(None, range));
    Alarms { now: now.ok(), periods: periods.unwrap_or_default() }
}

impl Alarms {
    pub(super) fn watchers(&self) -> Watchers<'_> {
        self.now.as_ref().map(Watchers::of).unwrap_or_default()
    }

    /// Adds thresholds and periods in alarm to a chart.
    pub(super) fn mark(&self, chart: &mut Chart, watches: &[Watch]) {
        for watch in watches {
            if let Some(value) = watch.threshold {
                // If two series have the same limit, one threshold line serves both and names neither.
                let same = |other: &&Watch| other.tier == watch.tier && other.threshold == watch.threshold;
                let is_shared = watches.iter().filter(same).any(|other| other.line != watch.line);
                draw_threshold(chart, (watch.tier, watch.line.filter(|_| !is_shared)), value);
            }
            let periods = self.periods.iter().filter(|period| period.rule == watch.rule);
            chart.alarms.extend(periods.map(|period| AlarmPeriod {
                from: period.from.as_second(),
                to: period.until.map(|until| until.as_second()),
                tier: tier(watch.tier),
            }));
        }
        // High alarms are drawn over low ones.
        chart.alarms.sort_by_key(|period| period.tier == Tier::High);
    }
}

/// Adds a threshold to a chart, unless the chart already has one of that tier and value. A threshold of zero is not
/// drawn, because it would lie on the axis. Where the chart has several series, the label names the series.
pub(crate) fn draw_threshold(chart: &mut Chart, (of, line): (alarms::Tier, Option<&str>), value: f64) {
    let known = chart.thresholds.iter().any(|known| known.value == value && known.tier == tier(of));
    if known || value == 0.0 {
        return;
    }
    let line = line.map(|line| format!(", {line}")).unwrap_or_default();
    let label = format!("{of}{line}: {}", threshold(chart.unit, value));
    chart.thresholds.push(Threshold { value, label, tier: tier(of) });
}

/// A threshold in short form, but a share keeps every digit, because 1.44 % and 1.4 % differ.
pub(crate) fn threshold(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Percent => unit.exact(value),
        Unit::Number if value.fract() == 0.0 => Unit::Count.format(value),
        unit => unit.format(value),
    }
}

/// The chart crate's urgency for a tier.
pub(crate) fn tier(tier: alarms::Tier) -> Tier {
    match tier {
        alarms::Tier::High => Tier::High,
        alarms::Tier::Low => Tier::Low,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use spillway_dashboard_model::alarms::RuleName;

    fn chart() -> Chart {
        Chart::new("Age", Unit::Seconds, 0, 3_600, 60)
    }

    fn labels(chart: &Chart) -> Vec<&str> {
        chart.thresholds.iter().map(|line| line.label.as_str()).collect()
    }

    #[test]
    fn thresholds_are_labelled_by_tier_and_value_and_drawn_once() {
        let mut chart = chart();
        for (tier, value) in
            [(alarms::Tier::Low, 300.0), (alarms::Tier::Low, 300.0), (alarms::Tier::High, 1_800.0)]
        {
            draw_threshold(&mut chart, (tier, None), value);
        }
        draw_threshold(&mut chart, (alarms::Tier::High, None), 0.0);
        assert_eq!(labels(&chart), ["low: 5\u{a0}min", "high: 30\u{a0}min"]);
    }

    #[test]
    fn a_threshold_names_its_line_unless_several_lines_share_it() {
        let watch = |rule, value, line| Watch {
            rule: RuleName::new(rule),
            tier: alarms::Tier::Low,
            threshold: Some(value),
            line: Some(line),
        };
        let mut chart = chart();
        let watches =
            [watch("slow", 45.0, "p90"), watch("throttled", 120.0, "p50"), watch("failed", 120.0, "max")];
        Alarms::default().mark(&mut chart, &watches);
        assert_eq!(labels(&chart), ["low, p90: 45\u{a0}s", "low: 2\u{a0}min"]);
    }

    #[test]
    fn periods_in_alarm_are_those_of_the_watching_rules_with_high_ones_in_front() {
        let second = |at| Timestamp::from_second(at).unwrap();
        let period = |rule, from, until: Option<i64>| alarms::AlarmPeriod {
            rule: RuleName::new(rule),
            from: second(from),
            until: until.map(second),
        };
        let periods = vec![period("high", 60, None), period("low", 0, Some(120)), period("other", 0, None)];
        let watch = |rule, tier| Watch { rule: RuleName::new(rule), tier, threshold: None, line: None };
        let mut chart = chart();
        let watches = [watch("high", alarms::Tier::High), watch("low", alarms::Tier::Low)];
        Alarms { now: None, periods }.mark(&mut chart, &watches);
        let drawn: Vec<_> = chart.alarms.iter().map(|one| (one.tier, one.from, one.to)).collect();
        assert_eq!(drawn, [(Tier::Low, 0, Some(120)), (Tier::High, 60, None)]);
    }
}
