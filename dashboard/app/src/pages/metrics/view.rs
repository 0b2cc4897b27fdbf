//! The charts of a stage, with tabs and a verdict.

use super::{
    data::{Data, compares},
    words,
};
use crate::{
    charts::{ChartGrid, Comparison, ShownChart, UnreadCharts},
    components::{Icon, StatusSentence, Tab, Tabs, Tone},
    context::{Page, use_page},
    links, stages,
};
use leptos::prelude::*;
use spillway_dashboard_model::catalogue::Stage;
use spillway_dashboard_model::flow::{FlowSnapshot, Sentence, summary};
use spillway_dashboard_words::counted;

pub(super) fn draw(stage: Stage, data: &Data) -> impl IntoView + use<> {
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
        // Only stages that need attention have a sign.
        let state = tone.filter(|tone| matches!(tone, Tone::Warning | Tone::Bad)).map(|tone| {
            let (sign, word) = stages::sign(tone);
            view! {
                <span class="tab-state" data-tone=tone.name()>
                    <Icon sign=sign />
                    <span class="visually-hidden">", " {word}</span>
                </span>
            }
        });
        let content = view! {
            <span class="wide-only">{stage.title()}</span>
            <span class="narrow-only">{words::short(stage)}</span>
            {state}
        };
        Tab { href, is_current: stage == chosen, content: content.into_any() }
    };
    view! { <Tabs label="Stages" class="tabs stages" current="page" tabs=Stage::ALL.iter().copied().map(tab).collect() /> }
}

fn answer(stage: Stage, flow: Option<&FlowSnapshot>, sentences: &[Sentence]) -> impl IntoView + use<> {
    let about = stages::about(stage, sentences);
    let sentences: Vec<_> = if about.is_empty() {
        let tone = flow.map_or(Tone::Unknown, |flow| stages::health(stage, flow, sentences));
        let tone = if stage == Stage::Account { Tone::Neutral } else { tone };
        vec![(tone, words::normal(stage, flow), None)]
    } else {
        about.into_iter().map(|one| (stages::tone(one.state), one.text.clone(), one.todo.clone())).collect()
    };
    sentences
        .into_iter()
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
    let caveat = words::caveat(stage).map(|(text, at, link)| {
        view! { " " {text} " " <a href=links::metrics(page, at.0, at.1)>{link}</a> "." }
    });
    view! {
        <div class="metrics-tools">
            <p class="quiet">{stage.about()} {caveat}</p>
            <a class="button" class:compares=on href=href>
                <span class="compare-key" aria-hidden="true"></span>
                {compare}
            </a>
            <a class="button" href=links::dead_letters_of_range(page)>{dead_letters}</a>
        </div>
    }
}

/// Charts that count dead letters link to the dead letters of the range.
fn dead_letters(chart: &ShownChart, page: &Page) -> Option<(String, String)> {
    let entry = &chart.entry;
    let leads = match entry.stage {
        Stage::Dlq | Stage::Archiver => true,
        Stage::Consumer => matches!(entry.key, "records" | "receive-count"),
        _ => false,
    };
    leads.then(|| ("Dead letters".to_owned(), links::dead_letters_of_range(page)))
}
