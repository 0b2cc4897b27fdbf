//! The alarms' pages in different states, over a made-up day:
//! `cargo run -p spillway-dashboard-server --example alarms -- busy`. This file has the states of the alarms; the
//! numbers are those of the day. States: `busy`, `calm`, `stale`, `new`, `failing`.

#![expect(clippy::print_stdout, reason = "it prints the link to open")]

use anyhow::{Context, Result};
use jiff::{SignedDuration, Timestamp};
use spillway::demo;
use spillway_core::{names::Names, ports::Clock, schema::FixedSchemas, settings::PipelineSettings};
use spillway_dashboard_app::ports::{Environment, Ports};
use spillway_dashboard_model::ReadError;
use spillway_dashboard_model::alarms::{
    AlarmSource, AlarmState, AlarmStatus, BusinessHours, Digest, DigestEntry, Limits, Notified, RuleName,
    RuleSet, Suppressed, Suppressor,
};
use spillway_dashboard_server::{Assets, Deps, InMemorySignIns, SignIns, bind, embedded, router};
use spillway_embedded::alarms::WatchOptions;
use spillway_embedded::{Options, Pipeline, RealClock};
use spillway_testkit::ScriptedAlarms;
use std::{path::Path, sync::Arc};

#[tokio::main]
async fn main() -> Result<()> {
    let state = std::env::args().nth(1).unwrap_or_else(|| "busy".to_owned());
    let clock: Arc<dyn Clock> = Arc::new(RealClock);
    let data = tempfile::tempdir()?;
    let (folder, end) = (data.path().to_owned(), clock.now());
    tokio::task::spawn_blocking(move || demo::make(&folder, end, WatchOptions::default(), &|_| ())).await??;
    let options = Options {
        settings: PipelineSettings::default(),
        names: Names::default(),
        schemas: Arc::new(FixedSchemas(Arc::default())),
        clock: Arc::clone(&clock),
        simulated_latency: None,
    };
    let pipeline = Pipeline::open(data.path(), options).await?;
    let environment = Environment { name: "this machine".into(), demo: true };
    let ports = embedded::ports(data.path(), &pipeline.ports, &pipeline.local, environment);
    let alarms: Arc<dyn AlarmSource> = Arc::new(alarms(&state, end)?);
    let sign_ins = Arc::new(InMemorySignIns::new(Arc::clone(&clock)));
    let listener = bind("127.0.0.1:0".parse()?).await?;
    let port = listener.local_addr()?.port();
    let site = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/site");
    let deps = Deps {
        ports: Ports { alarms, ..ports },
        sign_ins: Arc::clone(&sign_ins) as Arc<dyn SignIns>,
        assets: Arc::new(Assets::with_site(&site).unwrap_or_else(|_| Assets::without_scripts())),
        port,
        sign_in_command: "spillway sign-in --embedded .spillway".into(),
    };
    println!("http://127.0.0.1:{port}/sign-in?token={}", sign_ins.issue().await?.reveal());
    axum::serve(listener, router(deps)).await?;
    Ok(())
}

fn alarms(state: &str, now: Timestamp) -> Result<ScriptedAlarms> {
    let rules = RuleSet::built_in(&Limits::built_in()?)?;
    let ago = |minutes: i64| now - SignedDuration::from_mins(minutes);
    let opened = ago(5 * 60);
    let hours = BusinessHours::new(&serde_json::from_value(serde_json::json!({
        "zone": "Europe/Berlin", "open": "09:00:00", "close": "17:00:00",
        "days": ["monday", "tuesday", "wednesday", "thursday", "friday"],
    }))?)?;
    let next = hours.next_opening(now).context("the week has a working day")?;
    let notified = |minutes| Notified::At(ago(minutes));
    let reason = "3 of the last 5 datapoints > 300; the newest is 330; 3 are needed";
    // The outage of the store, 14 hours ago.
    let alarms = ScriptedAlarms::new(rules, &Names::default()).open_in(hours);
    if state == "new" {
        return Ok(alarms);
    }
    let alarms = alarms
        .changed("queue-age-low", ago(833), AlarmState::Alarm, reason, Notified::InDigest(opened))
        .changed("records-retried-low", ago(836), AlarmState::Alarm, reason, Notified::InDigest(opened))
        .changed(
            "records-retried-high",
            ago(829),
            AlarmState::Alarm,
            "10 of the last 15 datapoints > 60; the newest is 100; 10 are needed",
            notified(829),
        )
        .changed(
            "records-retried-high",
            ago(798),
            AlarmState::Ok,
            "9 of the last 15 datapoints > 60; the newest is 0; 10 are needed",
            notified(798),
        )
        .changed("records-retried-low", ago(797), AlarmState::Ok, reason, Notified::InDigest(opened))
        .changed("queue-age-low", ago(795), AlarmState::Ok, reason, Notified::InDigest(opened));
    let entry = |rule: &str, from, until| DigestEntry {
        rule: RuleName::new(rule),
        from: ago(from),
        until: Some(ago(until)),
        reason: reason.to_owned(),
    };
    let alarms = alarms.with_digest(Digest {
        closed_at: Some(ago(21 * 60)),
        opened_at: opened,
        still_in_alarm: Vec::new(),
        cleared: vec![entry("queue-age-low", 833, 795), entry("records-retried-low", 836, 797)],
    });
    let alarms = match state {
        "calm" => return Ok(alarms.evaluated(now)),
        "failing" => {
            let reason = "alarms: the data folder cannot be read".to_owned();
            return Ok(alarms.failing(ReadError::Unavailable { reason }));
        }
        "stale" => alarms.evaluated(ago(42)),
        _ => alarms.evaluated(now),
    };
    let held = AlarmStatus {
        rule: RuleName::new("dead-letters-arriving-low"),
        state: AlarmState::Alarm,
        since: Some(ago(178)),
        reason: "1 of the last 1 datapoints > 0; the newest is 12; 1 are needed".to_owned(),
        notified: Some(Notified::Held(Some(next))),
        suppressed: Some(Suppressed { by: Suppressor::BusinessHours, until: Some(next) }),
        last_alarm: None,
        evaluation_error: None,
    };
    Ok(alarms
        .changed(
            "records-rejected-low",
            ago(177),
            AlarmState::Alarm,
            "2 of the last 5 datapoints > 1; the newest is 31.2; 2 are needed",
            notified(177),
        )
        .changed(
            "records-rejected-high",
            ago(171),
            AlarmState::Alarm,
            "5 of the last 10 datapoints > 20; the newest is 31.2; 5 are needed",
            notified(171),
        )
        .changed(
            "api-latency-low",
            ago(60),
            AlarmState::InsufficientData,
            "no datapoint in the last 7 periods of 60 s",
            Notified::Never(spillway_dashboard_model::alarms::NotNotified::NoNews),
        )
        .with_status(held))
}
