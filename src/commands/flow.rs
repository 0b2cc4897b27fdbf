//! `spillway flow`: the ledger.

use crate::answer::ExitStatus;
use crate::backend::Backend;
use crate::console::{Console, GREEN, RED, YELLOW, paint};
use crate::listing::{Column, Field};
use crate::text::{self, Cell, Table, number};
use crate::values;
use crate::watch::Watch;
use clap::Args;
use serde::Serialize;
use spillway_core::ledger::{Ledger, Uncertainty};
use std::time::Duration;

const LONG_HELP: &str = "\
Every accepted event is in exactly one place. \"unaccounted\" is what is missing between accepted and the sum of all \
places; it should be 0; otherwise the exit code is 1.

In AWS several services count the places, some of them minutes late, a repeated delivery counts twice, and a message whose sending was not confirmed may have arrived without a promise. So the sum has an error bound, and \"unaccounted\" is the part of the \"difference\" beyond the bound. On one machine the bound is 0.

\"foreign\" are messages that somebody put into a queue past the API. They are in the other places too, and nobody was \
promised anything. They are known once they left the queue.

With --json: {\"at\", \"unaccounted\", \"difference\", \"uncertainty\": {\"moving\", \"repeated\", \"in_doubt\"}, \"accepted\", \
\"stored\", \"duplicates\", \"queued\", \"in_flight\", \"in_dlq\", \
\"archived\", \"replaying\", \"discarded\", \"foreign\", \"rates\": null | {\"over_s\", \"accepted_per_s\", \"stored_per_s\"}, \
\"trouble\": null | why the data folder takes no data}.";

/// Options of `flow`.
#[derive(Clone, Debug, Args)]
#[command(after_help = LONG_HELP)]
pub struct Options {
    /// Watch for this time, and also show the rates of acceptance and storage
    #[arg(long, value_name = "SPAN", value_parser = values::span)]
    over: Option<Duration>,
    #[command(flatten)]
    pub watch: Watch,
}

/// The JSON document that `--json` prints.
#[derive(Debug, Serialize)]
struct Flow {
    at: spillway_core::Timestamp,
    unaccounted: i64,
    difference: i64,
    #[serde(flatten)]
    ledger: Ledger,
    rates: Option<Rates>,
    /// Why the data folder takes no data.
    trouble: Option<String>,
}

#[derive(Debug, Serialize)]
struct Rates {
    over_s: f64,
    accepted_per_s: f64,
    stored_per_s: f64,
}

const COLUMNS: &[Column<Flow>] = &[
    Column { name: "at", title: None, field: |flow| Field::Time(flow.at) },
    Column { name: "unaccounted", title: None, field: |flow| Field::Number(flow.unaccounted) },
    Column { name: "difference", title: None, field: |flow| Field::Number(flow.difference) },
    Column { name: "moving", title: None, field: |flow| Field::number(flow.ledger.uncertainty.moving) },
    Column { name: "repeated", title: None, field: |flow| Field::number(flow.ledger.uncertainty.repeated) },
    Column { name: "in_doubt", title: None, field: |flow| Field::number(flow.ledger.uncertainty.in_doubt) },
    Column { name: "accepted", title: None, field: |flow| Field::number(flow.ledger.accepted) },
    Column { name: "stored", title: None, field: |flow| Field::number(flow.ledger.stored) },
    Column { name: "duplicates", title: None, field: |flow| Field::number(flow.ledger.duplicates) },
    Column { name: "queued", title: None, field: |flow| Field::number(flow.ledger.queued) },
    Column { name: "in_flight", title: None, field: |flow| Field::number(flow.ledger.in_flight) },
    Column { name: "in_dlq", title: None, field: |flow| Field::number(flow.ledger.in_dlq) },
    Column { name: "archived", title: None, field: |flow| Field::number(flow.ledger.archived) },
    Column { name: "replaying", title: None, field: |flow| Field::number(flow.ledger.replaying) },
    Column { name: "discarded", title: None, field: |flow| Field::number(flow.ledger.discarded) },
    Column { name: "foreign", title: None, field: |flow| Field::number(flow.ledger.foreign) },
    Column { name: "over_s", title: None, field: |flow| rate(flow, |rates| rates.over_s) },
    Column { name: "accepted_per_s", title: None, field: |flow| rate(flow, |rates| rates.accepted_per_s) },
    Column { name: "stored_per_s", title: None, field: |flow| rate(flow, |rates| rates.stored_per_s) },
    Column { name: "trouble", title: None, field: |flow| Field::maybe(flow.trouble.as_ref()) },
];

/// A value that is there with `--over` only.
fn rate(flow: &Flow, value: fn(&Rates) -> f64) -> Field {
    Field::maybe(flow.rates.as_ref().map(value))
}

pub async fn run(options: &Options, backend: &Backend, console: &mut Console) -> anyhow::Result<ExitStatus> {
    let started_at = backend.pipeline.clock.now();
    let mut ledger = backend.pipeline.ledger.ledger().await?;
    let mut rates = None;
    if let Some(over) = options.over {
        backend.pipeline.clock.sleep(over).await;
        let before = std::mem::replace(&mut ledger, backend.pipeline.ledger.ledger().await?);
        let over_s = backend.pipeline.clock.now().duration_since(started_at).as_secs_f64();
        let per_s = |now: u64, before: u64| now.saturating_sub(before) as f64 / over_s;
        rates = Some(Rates {
            over_s,
            accepted_per_s: per_s(ledger.accepted, before.accepted),
            stored_per_s: per_s(ledger.stored, before.stored),
        });
    }
    let trouble = backend.local().ok().and_then(|local| local.disk_trouble());
    let (unaccounted, difference) = (ledger.unaccounted(), ledger.difference());
    let flow = Flow { at: backend.pipeline.clock.now(), unaccounted, difference, ledger, rates, trouble };
    console.not_a_change(flow.at);
    if let Some(rates) = &flow.rates {
        console.not_a_change(rates.over_s);
    }
    if console.json() {
        console.document(&flow)?;
    } else if console.tsv() {
        console.items(COLUMNS, std::slice::from_ref(&flow), flow.at)?;
    } else {
        print(&flow, console)?;
    }
    Ok(if flow.unaccounted == 0 { ExitStatus::Ok } else { ExitStatus::No })
}

fn print(flow: &Flow, console: &mut Console) -> anyhow::Result<()> {
    let ledger = &flow.ledger;
    let accepted = text::count(ledger.accepted, "accepted event");
    let headline = match flow.unaccounted {
        0 if ledger.accepted == 0 => paint(GREEN, "No event was accepted yet"),
        0 if ledger.accepted == 1 => paint(GREEN, "The one accepted event is accounted for"),
        0 => paint(GREEN, &format!("All {accepted} are accounted for")),
        n if n > 0 => paint(RED, &format!("{} of {accepted} are unaccounted for", number(n))),
        n => paint(RED, &format!("{} more than the {accepted} are in the ledger", number(-n))),
    };
    console.line(&headline)?;
    if let Some(trouble) = &flow.trouble {
        console.line(&paint(RED, &format!("No event can be accepted or stored: {trouble}")))?;
    }
    let duplicates = match ledger.duplicates {
        0 => String::new(),
        duplicates => format!("{} of them sent again, stored once", number(duplicates)),
    };
    // A table's last column is cut, so its remark names the command only.
    let mut table = Table::default();
    for (place, count, remark) in [
        ("stored", ledger.stored, duplicates.as_str()),
        ("queued", ledger.queued, ""),
        ("in flight", ledger.in_flight, "being processed, or waiting for their next attempt"),
        ("in the DLQ", ledger.in_dlq, ""),
        ("archived", ledger.archived, "waiting for an operator: spillway dlq list"),
        ("replaying", ledger.replaying, ""),
        ("discarded", ledger.discarded, ""),
        ("foreign", ledger.foreign, "put into a queue past the API; they are in the places above too"),
    ] {
        if place == "foreign" && count == 0 {
            continue;
        }
        let waits = count > 0 && matches!(place, "in the DLQ" | "archived");
        let style = if waits { YELLOW } else { anstyle::Style::new() };
        let remark = if count > 0 { remark } else { "" };
        table.row(vec![Cell::text(place), Cell::number(count).styled(style), Cell::text(remark)]);
    }
    console.table(&table)?;
    if let Some(bound) = bound(ledger) {
        console.line(&bound)?;
    }
    if let Some(rates) = &flow.rates {
        console.line(&format!(
            "Over {:.0} s: {} accepted, {} stored",
            rates.over_s,
            text::rate(rates.accepted_per_s),
            text::rate(rates.stored_per_s)
        ))?;
    }
    Ok(())
}

/// The maximum error of the numbers, in words; `None` if they are exact.
fn bound(ledger: &Ledger) -> Option<String> {
    let Uncertainty { moving, repeated, in_doubt } = ledger.uncertainty;
    let reasons = [
        (moving, "moved in the last minutes"),
        (repeated, "may have been counted twice"),
        (in_doubt, "may have arrived without a promise"),
    ];
    let reasons: Vec<_> = reasons
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, why)| format!("{} {why}", number(*count)))
        .collect();
    if reasons.is_empty() {
        return None;
    }
    let why = reasons.join(", ");
    let (total, difference) = (number(ledger.uncertainty.total()), number(ledger.difference()));
    Some(format!("Give or take {total}: {why}; accepted minus all places is {difference}"))
}
