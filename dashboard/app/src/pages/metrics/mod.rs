//! Metrics: a view for each stage, every metric of the catalogue.

mod words;

use super::stages;
use crate::{
    charts::{ChartGrid, ChartGroup, Comparison, Question, ShownChart, UnreadCharts, read_charts},
    components::{Icon, StatusSentence, Title, Tone, load},
    context::{Page, use_page},
    format::counted,
};
use leptos::prelude::*;
use spillway_core::dead_letter::DeadLetterFilter;
use spillway_core::names::Names;
use spillway_core::ports::DeadLetters;
use spillway_dashboard_model::alarms::AlarmSource;
use spillway_dashboard_model::catalogue::{Stage, of_stage};
use spillway_dashboard_model::flow::{FlowSnapshot, FlowSource, Sentence, summary};
use spillway_dashboard_model::{MetricReader, ReadError};
use std::sync::Arc;

struct Data {
    flow: Result<FlowSnapshot, ReadError>,
    charts: Result<ChartGroup, ReadError>,
    /// Dead letters that were archived in the range, if they can be counted.
    dead_letters: Option<u64>,
}

/// The charts of one stage. `?stage=queue` chooses it, `&compare=on` lays an earlier range under the charts.
#[component]
pub fn Metrics() -> impl IntoView {
    let page = use_page();
    let flow = expect_context::<Arc<dyn FlowSource>>();
    let metrics = expect_context::<Arc<dyn MetricReader>>();
    let names = expect_context::<Arc<Names>>();
    let alarms = expect_context::<Arc<dyn AlarmSource>>();
    let stage = stage(&page);
    let archive = expect_context::<Arc<dyn DeadLetters>>();
    let question = Question::of(&page, compares(&page));
    let of_range = DeadLetterFilter {
        from: Some(page.range.from),
        to: Some(page.range.to),
        ..DeadLetterFilter::default()
    };
    let data = async move {
        let charts = read_charts(&*metrics, of_stage(stage, &names), &question, &*alarms);
        let dead_letters = archive.list(&of_range, None, 1);
        let (flow, charts, dead_letters) = futures::join!(flow.snapshot(), charts, dead_letters);
        Data { flow, charts, dead_letters: dead_letters.ok().map(|page| page.total) }
    };
    view! {
        <Title text=format!("Metrics: {}", stage.title()) hidden=true />
        {load(data, move |data| draw(stage, &data))}
    }
}

fn stage(page: &Page) -> Stage {
    page.parameter("stage").and_then(Stage::parse).unwrap_or(Stage::Api)
}

fn compares(page: &Page) -> bool {
    page.parameter("compare") == Some("on")
}

fn draw(stage: Stage, data: &Data) -> impl IntoView + use<> {
    let page = use_page();
    let sentences = data.flow.as_ref().map(summary).unwrap_or_default();
    let charts = match &data.charts {
        Ok(group) => view! { <ChartGrid group=group.clone() link=dead_letters /> }.into_any(),
        Err(error) => view! { <UnreadCharts error=error.clone() /> }.into_any(),
    };
    view! {
        {tabs(stage, data.flow.as_ref().ok(), &sentences, &page)}
        {answer(stage, data.flow.as_ref().ok(), &sentences)}
        {tools(stage, data.dead_letters, &page)}
        {charts}
    }
}

fn tabs(
    chosen: Stage,
    flow: Option<&FlowSnapshot>,
    sentences: &[Sentence],
    page: &Page,
) -> impl IntoView + use<> {
    let tab = |stage: Stage| {
        let href = page.with(&[("stage", Some(stage.slug())), ("table", None)]);
        let tone = flow.map(|flow| stages::health(stage, flow, sentences));
        // Only what needs somebody stands out.
        let state = tone.filter(|tone| matches!(tone, Tone::Warning | Tone::Bad)).map(|tone| {
            let (sign, word) = stages::sign(tone);
            view! {
                <span class="tab-state" data-tone=tone.name()>
                    <Icon sign=sign />
                    <span class="visually-hidden">", " {word}</span>
                </span>
            }
        });
        view! {
            <a href=href aria-current=(stage == chosen).then_some("page")>
                <span class="wide-only">{stage.title()}</span>
                <span class="narrow-only">{words::short(stage)}</span>
                {state}
            </a>
        }
    };
    let tabs = Stage::ALL.map(tab);
    view! { <nav class="tabs stages" aria-label="Stages">{tabs.into_iter().collect_view()}</nav> }
}

fn answer(stage: Stage, flow: Option<&FlowSnapshot>, sentences: &[Sentence]) -> impl IntoView + use<> {
    let about = stages::about(stage, sentences);
    let said: Vec<_> = if about.is_empty() {
        let tone = flow.map_or(Tone::Unknown, |flow| stages::health(stage, flow, sentences));
        let tone = if stage == Stage::Account { Tone::Neutral } else { tone };
        vec![(tone, words::normal(stage, flow), None)]
    } else {
        about.into_iter().map(|one| (stages::tone(one.state), one.text.clone(), one.todo.clone())).collect()
    };
    said.into_iter()
        .map(|(tone, text, todo)| {
            view! {
                <StatusSentence tone=tone>
                    {text}
                    {todo.map(|todo| view! { <span class="answer-todo">" " {todo}</span> })}
                </StatusSentence>
            }
        })
        .collect_view()
}

fn tools(stage: Stage, dead_letters: Option<u64>, page: &Page) -> impl IntoView + use<> {
    let on = compares(page);
    let href = page.with(&[("compare", if on { None } else { Some("on") })]);
    let label = Comparison::of(&page.range).label;
    let compare = if on { format!("Hide {label}") } else { format!("Compare with {label}") };
    let dead_letters = match dead_letters {
        Some(0) => "No dead letters in this range".to_owned(),
        Some(count) => format!("{} in this range", counted(count, "dead letter", "dead letters")),
        None => "Dead letters of this range".to_owned(),
    };
    let trap = words::trap(stage).map(|(text, at, link)| {
        view! { " " {text} " " <a href=stages::metrics(page, at.0, at.1)>{link}</a> "." }
    });
    view! {
        <div class="metrics-tools">
            <p class="quiet">{stage.about()} {trap}</p>
            <a class="button" class:compares=on href=href>
                <span class="compare-key" aria-hidden="true"></span>
                {compare}
            </a>
            <a class="button" href=stages::dead_letters_of_range(page)>{dead_letters}</a>
        </div>
    }
}

/// Charts that count what ends as a dead letter lead to those of the range.
fn dead_letters(chart: &ShownChart, page: &Page) -> Option<(String, String)> {
    let entry = &chart.entry;
    let leads = match entry.stage {
        Stage::Dlq | Stage::Archiver => true,
        Stage::Consumer => matches!(entry.key, "records" | "receive-count"),
        _ => false,
    };
    leads.then(|| ("Dead letters".to_owned(), stages::dead_letters_of_range(page)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stage_is_in_the_address_and_what_is_unknown_is_the_first() {
        let of = |query: &str| stage(&Page::of("/metrics", query, "", jiff::Timestamp::UNIX_EPOCH));
        assert_eq!(of("stage=dlq"), Stage::Dlq);
        assert_eq!(of(""), Stage::Api);
        assert_eq!(of("stage=nonsense"), Stage::Api);
    }
}
