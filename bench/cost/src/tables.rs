//! The tables of docs/cost.md.

use crate::data::{Billing, Data, Load, Quota, Use};
use crate::model::{Line, Model, total};
use anyhow::{Result, bail};
use spillway_dashboard_words::{duration, set_apart};
use spillway_metrics::custom_metrics;
use std::fmt::Write as _;

/// Every table, by its name in the document.
pub fn all(data: &Data) -> Result<Vec<(&'static str, String)>> {
    Ok(vec![
        ("by stage", by_stage(data)?),
        ("every month", every_month(data)?),
        ("dead letters", dead_letters(data)?),
        ("quotas", quotas(data)?),
        ("settings", settings(data)),
        ("measured", measured(data)),
        ("prices", prices(data)),
    ])
}

fn by_stage(data: &Data) -> Result<String> {
    let models: Vec<Model<'_>> = data.loads.iter().map(|load| Model::of(data, load)).collect();
    let columns = models.iter().map(Model::per_million_events).collect::<Result<Vec<_>>>()?;
    let mut rows = vec![head("$ for a million events", &data.loads), rule(data.loads.len())];
    rows.extend(line_rows(&columns));
    rows.push(row("**A million events**", columns.iter().map(|lines| format!("**{}**", usd(total(lines))))));
    let monthly = models.iter().zip(&columns);
    let monthly = monthly.map(|(model, lines)| usd(total(lines) * model.events_per_month() / 1e6));
    rows.push(row("A month of that load", monthly));
    let other = models.iter().zip(&data.loads).map(|(model, load)| {
        let (other, name) = match load.billing {
            Billing::OnDemand => (Billing::Provisioned, "provisioned"),
            Billing::Provisioned => (Billing::OnDemand, "on demand"),
        };
        Ok(format!("{name}: {}", usd(model.writes(other)?)))
    });
    rows.push(row("Writes, with the other billing mode", other.collect::<Result<Vec<_>>>()?));
    Ok(rows.join("\n"))
}

fn every_month(data: &Data) -> Result<String> {
    let lines = Model::per_month(data)?;
    let given = &data.assumptions;
    let how = [
        data.alarms.plain.to_string(),
        format!("{}, which read {} metrics together", data.alarms.math, data.alarms.math_metrics),
        number(given.suppressors),
        data.alarms.composites.to_string(),
        format!("{}, one for each tier and part of the system", data.alarms.subsystems),
        schedules(data, "reporter"),
        schedules(data, "archiver"),
        custom_metrics().to_string(),
        format!("{}, if all kinds of requests occur", given.request_metrics),
        format!(
            "{} series, {} times an hour, {} hours a day, for any number of viewers",
            given.dashboard_series, given.dashboard_reads_per_hour, given.dashboard_hours_per_day
        ),
        format!(
            "{} calls of any service a minute, {} hours a day, for any number of viewers",
            given.dashboard_calls_per_minute, given.dashboard_hours_per_day
        ),
        format!("{} queues, {} long polls of {} s at once", given.mapped_queues, given.pollers, given.poll_s),
        given.keys.to_string(),
    ];
    let mut rows = vec!["| every month | how many | $ |".to_owned(), "|---|---|---:|".to_owned()];
    rows.extend(
        lines.iter().zip(how).map(|(line, how)| format!("| {} | {how} | {} |", line.what, usd(line.usd))),
    );
    rows.push(format!("| **Total** | | **{}** |", usd(total(&lines))));
    Ok(rows.join("\n"))
}

/// A function's scheduled tasks, and how often they run in a month.
fn schedules(data: &Data, function: &str) -> String {
    let given = &data.assumptions;
    let tasks = given.scheduled.iter().filter(|task| task.function == function);
    let tasks = tasks.map(|task| {
        let times = count((task.per_hour * given.hours_per_month).round());
        format!("{times} times {}", task.what)
    });
    tasks.collect::<Vec<_>>().join(", ")
}

fn dead_letters(data: &Data) -> Result<String> {
    let Some(load) = data.loads.get(1).or(data.loads.first()) else { bail!("loads.json is empty") };
    let model = Model::of(data, load);
    let receives = data.assumptions.receives_before_dead;
    let columns = [model.per_million_dead_letters(1.0)?, model.per_million_dead_letters(receives)?];
    let mut rows = vec![
        format!("| $ for a million dead letters | rejected at once | after {receives} receives |"),
        rule(columns.len()),
    ];
    rows.extend(line_rows(&columns));
    rows.push(row("**Total**", columns.iter().map(|lines| format!("**{}**", usd(total(lines))))));
    Ok(rows.join("\n"))
}

fn quotas(data: &Data) -> Result<String> {
    let models: Vec<Model<'_>> = data.loads.iter().map(|load| Model::of(data, load)).collect();
    let mut rows = vec![head("quota", &data.loads).replacen("quota |", "quota | default |", 1)];
    rows.push(rule(data.loads.len() + 1));
    for quota in &data.quotas {
        let cells = models.iter().map(|model| need(quota, model)).collect::<Result<Vec<_>>>()?;
        let raisable = if quota.raisable { "" } else { ", fixed" };
        let what = format!("[{}]({})", quota.what, quota.source);
        rows.push(row(&what, std::iter::once(format!("{}{raisable}", count(quota.limit))).chain(cells)));
    }
    Ok(rows.join("\n"))
}

/// The part of a quota that a load needs. It is bold if the default quota is too small.
fn need(quota: &Quota, model: &Model<'_>) -> Result<String> {
    let needed = match quota.key.as_str() {
        "api_requests_per_s" => model.requests_per_s(),
        "lambda_concurrency" => model.ingest_concurrency()? + model.consumer_concurrency()?,
        "mapping_concurrency" => model.consumer_concurrency()?,
        "table_write_units_per_s" | "new_table_write_units_per_s" => model.write_units_per_s(),
        "partition_write_units_per_s" => {
            return Ok(count((model.write_units_per_s() / quota.limit).ceil()));
        }
        // During an outage of the table, a received message stays in flight until its next try.
        "sqs_in_flight" => {
            return Ok(format!("full after {}", duration(quota.limit / model.events_per_s())));
        }
        other => bail!("the model knows no quota {other}"),
    };
    let share = needed / quota.limit;
    let text = format!("{} ({})", count(needed), percent(share));
    Ok(if share > 1.0 { format!("**{text}**") } else { text })
}

fn settings(data: &Data) -> String {
    let mut rows = vec!["| load | what to set |".to_owned(), "|---|---|".to_owned()];
    rows.extend(data.loads.iter().map(|load| format!("| {} | {} |", load.name, load.settings)));
    rows.join("\n")
}

fn measured(data: &Data) -> String {
    let mut rows = vec![
        "| function | events in an invocation | CPU | calls that wait for each other | calls to AWS | log |"
            .to_owned(),
        "|---|---:|---:|---:|---:|---:|".to_owned(),
    ];
    let measured = &data.measured;
    for (name, uses) in
        [("ingest", &measured.ingest), ("consumer", &measured.consumer), ("archiver", &measured.archiver)]
    {
        rows.extend(uses.iter().map(|used| use_row(name, used)));
    }
    let mut text = rows.join("\n");
    let _ = write!(
        text,
        "\n\n{}. An event has {} bytes on average, its item {} bytes or {} write units; a dead letter takes {} bytes in {} \
         objects, and {} write units.",
        measured.measured,
        number(measured.event_bytes),
        number(measured.item_bytes),
        number(measured.write_units_per_event),
        number(measured.dead_letter_bytes),
        number(measured.dead_letter_puts),
        number(measured.dead_letter_write_units),
    );
    text
}

fn use_row(name: &str, used: &Use) -> String {
    let cells = [
        used.size.to_string(),
        format!("{} ms", number(used.cpu_ms)),
        number(used.round_trips),
        number(used.calls),
        format!("{} B", number(used.log_bytes)),
    ];
    row(name, cells)
}

fn prices(data: &Data) -> String {
    let list = &data.prices;
    let mut rows = vec![
        format!("| list price, {} | {} | source | looked up |", list.region, list.currency),
        "|---|---|---|---|".to_owned(),
    ];
    for price in &list.prices {
        let tiers = price.tiers.iter().map(|tier| match tier.up_to {
            Some(limit) => format!("{} to {}", tier.usd, count(limit)),
            None if price.tiers.len() > 1 => format!("then {}", tier.usd),
            None => tier.usd.to_string(),
        });
        let tiers: Vec<String> = tiers.collect();
        let read_in = price.read_in.as_ref().map(|url| format!(", [read in]({url})")).unwrap_or_default();
        rows.push(format!(
            "| {} | {} a {} | [AWS]({}){read_in} | {} |",
            price.what,
            tiers.join("; "),
            price.unit,
            price.source,
            price.as_of
        ));
    }
    rows.join("\n")
}

fn head(first: &str, loads: &[Load]) -> String {
    row(first, loads.iter().map(|load| load.name.clone()))
}

fn rule(columns: usize) -> String {
    format!("|---|{}", "---:|".repeat(columns))
}

/// One row for each line, with one column for each load.
fn line_rows(columns: &[Vec<Line>]) -> Vec<String> {
    let Some(first) = columns.first() else { return Vec::new() };
    let line = |index: usize, line: &Line| row(line.what, columns.iter().map(|lines| usd(lines[index].usd)));
    first.iter().enumerate().map(|(index, found)| line(index, found)).collect()
}

fn row(first: &str, cells: impl IntoIterator<Item = String>) -> String {
    cells.into_iter().fold(format!("| {first} |"), |mut text, cell| {
        let _ = write!(text, " {cell} |");
        text
    })
}

/// Dollars, with the digits that matter.
fn usd(value: f64) -> String {
    match value {
        value if value >= 1_000.0 => count(value),
        value if value >= 0.1 || value == 0.0 => format!("{value:.2}"),
        value if value >= 0.0005 => format!("{value:.3}"),
        _ => "< 0.001".to_owned(),
    }
}

/// A whole number with thousands separators.
fn count(value: f64) -> String {
    if value < 10.0 && value.fract() != 0.0 {
        return number(value);
    }
    set_apart(&format!("{value:.0}"))
}

/// A measured number, with two decimals if it is small.
fn number(value: f64) -> String {
    if value >= 100.0 || value.fract() == 0.0 { count(value.round()) } else { format!("{value:.2}") }
}

fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent < 1.0 { "under 1 %".to_owned() } else { format!("{} %", count(percent.round())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_as_many_digits_as_matter() {
        assert_eq!(
            ["3.50", "0.040", "< 0.001", "12,345"].map(str::to_owned),
            [3.5, 0.04, 0.0001, 12_345.4].map(usd)
        );
        assert_eq!(["1,000,000", "999", "0.50"].map(str::to_owned), [1e6, 999.0, 0.5].map(count));
    }
}
