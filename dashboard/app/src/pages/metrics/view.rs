//! The charts of a stage, with tabs and a verdict.

use super::{
    data::{Data, compares},
    words,
};
use crate::{
    charts::{ChartGrid, Comparison, ShownChart, UnreadCharts},
    components::{Icon, StatusSentence, Tab, Tabs, Tone, now_band, phrase, range_band},
    context::{Page, use_page},
    links, stages,
};
use leptos::prelude::*;
use spillway_dashboard_model::catalogue::Stage;
use spillway_dashboard_model::flow::{FlowSnapshot, Verdict};
use spillway_dashboard_words::counted;

pub(super) fn draw(stage: Stage, data: &Data) -> impl IntoView + use<> {
    let page = use_page();
    let flow = data.flow.as_ref().ok();
    let verdict = flow.map(Verdict::of);
    let judged = flow.zip(verdict.as_ref());
    let charts = match &data.charts {
        Ok(group) => {
            let group = group.clone().with_oldest(data.flow.as_ref().ok(), &page);
            view! { <ChartGrid group=group link=dead_letters /> }.into_any()
        }
        Err(error) => view! { <UnreadCharts error=error.clone() /> }.into_any(),
    };
    let now = page.range.preset.is_none().then(now_band);
    view! {
        {tabs(stage, judged, &page)}
        {now}
        {answer(stage, judged)}
        {tools(stage, data.dead_letters, &page)}
        {range_band(&page)}
        {charts}
    }
}

fn tabs(chosen: Stage, judged: Option<(&FlowSnapshot, &Verdict)>, page: &Page) -> impl IntoView + use<> {
    let tab = |stage: Stage| {
        let href = page.with(&[("stage", Some(stage.slug())), ("table", None)]);
        let tone = judged.map(|(flow, verdict)| stages::health_tone(verdict.health(stage, flow)));
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

fn answer(stage: Stage, judged: Option<(&FlowSnapshot, &Verdict)>) -> impl IntoView + use<> {
    let notes = judged.map(|(flow, verdict)| verdict.notes(stage, flow)).unwrap_or_default();
    let sentences: Vec<_> = if notes.is_empty() {
        let tone =
            judged.map_or(Tone::Unknown, |(flow, verdict)| stages::health_tone(verdict.health(stage, flow)));
        let tone = if stage == Stage::Account { Tone::Neutral } else { tone };
        vec![(tone, words::normal(stage, judged.map(|(flow, _)| flow)), None)]
    } else {
        notes.into_iter().map(|note| (stages::health_tone(note.health), note.text, note.todo)).collect()
    };
    sentences
        .into_iter()
        .map(|(tone, text, todo)| {
            view! {
                <StatusSentence tone=tone>
                    {phrase(&text)}
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
        Some(count) => {
            format!("{} in this range, all states", counted(count, "dead letter", "dead letters"))
        }
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
