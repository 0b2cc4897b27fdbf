//! Every component in its states on one page, for work on them:
//! `cargo run -p spillway-dashboard-server --example components`.

#![expect(clippy::print_stdout, reason = "it prints the link to open")]

use anyhow::Result;
use axum::Router;
use leptos::prelude::*;
use spillway_core::{names::Names, ports::Clock, schema::FixedSchemas, settings::PipelineSettings};
use spillway_dashboard_app::{
    components::{
        Badge, Count, EmptyState, ErrorState, Figure, Num, Pager, StatusSentence, Time, Title, Tone,
    },
    context::use_page,
    ports::Environment,
    shell::Shell,
};
use spillway_dashboard_charts::{
    AlarmPeriod, Chart, Kind, Series, Threshold, Tier, Unit, legend, render_svg,
};
use spillway_dashboard_server::{Assets, Deps, InMemorySignIns, SignIns, around, bind, drawn, embedded};
use spillway_embedded::{Options, Pipeline, RealClock};
use std::{path::Path, sync::Arc};

#[tokio::main]
async fn main() -> Result<()> {
    let clock: Arc<dyn Clock> = Arc::new(RealClock);
    let sign_ins = Arc::new(InMemorySignIns::new(Arc::clone(&clock)));
    let environment = Environment { name: "this machine".into(), demo: true };
    let site = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/site");
    let listener = bind("127.0.0.1:0".parse()?).await?;
    let port = listener.local_addr()?.port();
    let data = tempfile::tempdir()?;
    let options = Options {
        settings: PipelineSettings::default(),
        names: Names::default(),
        schemas: Arc::new(FixedSchemas(Arc::default())),
        clock,
        simulated_latency: None,
    };
    let pipeline = Pipeline::open(data.path(), options).await?;
    let ports = embedded::ports(data.path(), &pipeline.ports, &pipeline.local, environment);
    let deps = Deps {
        ports,
        sign_ins: Arc::clone(&sign_ins) as Arc<dyn SignIns>,
        assets: Arc::new(Assets::with_site(&site).unwrap_or_else(|_| Assets::without_scripts())),
        port,
        sign_in_command: "spillway sign-in --embedded .spillway".into(),
    };
    let page = drawn(&deps, || view! { <Shell><Gallery /></Shell> });
    println!("http://127.0.0.1:{port}/sign-in?token={}", sign_ins.issue().await?.reveal());
    axum::serve(listener, around(deps, Router::new().fallback(page))).await?;
    Ok(())
}

#[component]
fn Gallery() -> impl IntoView {
    let now = use_page().now;
    let ago = move |minutes: i64| now - jiff::SignedDuration::from_mins(minutes);
    let tones = [Tone::Good, Tone::Warning, Tone::Bad, Tone::Busy, Tone::Neutral, Tone::Unknown];
    let values = [
        (1_234.0, Unit::Count),
        (1_200.0, Unit::PerSecond),
        (340.0, Unit::Milliseconds),
        (13e6, Unit::Bytes),
    ];
    view! {
        <Title text="Gallery" hidden=true />
        <StatusSentence tone=Tone::Good>
            "All 172,431 events of the last 24 h are accounted for. 3 are dead-lettered, the newest " <Time at=ago(4) /> "."
        </StatusSentence>
        <dl class="ledger">
            <div><dt>"stored"</dt><dd><Count value=172_402 href="/" /></dd></div>
            <div><dt>"in flight"</dt><dd><Count value=26 /></dd></div>
            <div data-tone="warning"><dt>"dead-lettered"</dt><dd><Count value=3 href="/dead-letters" /></dd></div>
            <div><dt>"unaccounted"</dt><dd><Count value=0 /></dd></div>
        </dl>
        <div class="flow">
            <div class="flow-stage" data-tone="good"><h3>"API"</h3><p>"p99 41 ms"</p><p class="quiet">"0.1 % 5xx"</p></div>
            <div class="flow-link">"2.0/s"</div>
            <div class="flow-stage" data-tone="good"><h3>"Queue"</h3><p>"26 waiting"</p><p class="quiet">"oldest 14 s"</p></div>
            <div class="flow-link">"1.9/s"</div>
            <div class="flow-stage" data-tone="warning"><h3>"Consumer λ"</h3><p>"p99 210 ms"</p></div>
            <div class="flow-link">"1.9/s"</div>
            <div class="flow-stage" data-tone="bad"><h3>"Table"</h3><p>"31 % of capacity"</p></div>
        </div>
        <section class="section">
            <h2>"States in words"</h2>
            <p class="row">{tones.map(|tone| view! { <Badge tone=tone text=tone.name() /> }).collect_view()}</p>
            <StatusSentence tone=Tone::Bad>"2 events are unaccounted for since 02:40."</StatusSentence>
            <StatusSentence tone=Tone::Warning>"The oldest message has waited 38 min."</StatusSentence>
            <p class="row">
                {values.map(|(value, unit)| view! { <Num value=value unit=unit /> }).collect_view()} <Time at=ago(3000) absolute=true />
            </p>
        </section>
        <section class="section">
            <h2>"Charts"</h2>
            <div class="charts">{charts(now)}</div>
        </section>
        <section class="section">
            <h2>"List"</h2>
            <form method="post" action="/actions/none" data-selection="">
                <div class="table-scroll" tabindex="0" role="region" aria-label="Messages">
                    <table class="table">
                        <thead>
                            <tr>
                                <th scope="col"><input type="checkbox" data-select-all="" class="needs-islands" aria-label="Select all" /></th>
                                <th scope="col">"Type"</th><th scope="col" class="wide">"Failure"</th>
                                <th scope="col" class="number">"Receives"</th><th scope="col">"Dead-lettered"</th>
                            </tr>
                        </thead>
                        <tbody>{(1..6).map(|row| view! {
                            <tr data-row="" data-key=row tabindex="-1">
                                <td><input type="checkbox" name="id" value=row aria-label=format!("Message {row}") /></td>
                                <td><a href=format!("/dead-letters/{row}")>"order.placed"</a></td>
                                <td class="wide">"/amount: expected number"</td>
                                <td class="number">"1"</td>
                                <td><Time at=ago(i64::from(row)) /></td>
                            </tr>
                        }).collect_view()}</tbody>
                    </table>
                </div>
                <div class="actions">
                    <button class="button primary" data-none="Select messages to replay" data-one="Replay 1 message…" data-many="Replay {n} messages…">
                        "Replay the selected messages…"
                    </button>
                    <button class="button danger" type="button">"Discard…"</button>
                    <label class="label"><span>"Search"</span><input class="field" type="search" data-search="" /></label>
                </div>
            </form>
            <Pager shown="50 of 203 messages" next=Some("/?after=x".to_owned()) />
        </section>
        <section class="section split">
            <ol class="timeline">
                <li data-tone="good"><p>"Accepted"</p><p class="timeline-when"><Time at=ago(90) absolute=true /></p></li>
                <li data-tone="bad"><p>"Attempt 1 failed: /amount expected number"</p><p class="timeline-when"><Time at=ago(89) absolute=true /></p></li>
                <li data-tone="warning"><p>"In the dead letter queue"</p><p class="timeline-when"><Time at=ago(80) absolute=true /></p></li>
            </ol>
            <dl class="details panel"><dt>"Message"</dt><dd class="mono">"0197a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"</dd><dt>"Source"</dt><dd>"/shop/checkout"</dd></dl>
        </section>
        <section class="section columns">
            <EmptyState title="No dead letters.">"The last one was replayed 3 days ago."</EmptyState>
            <ErrorState title="The metrics cannot be read now." retry=true>"The store is busy with a long write. The numbers are from 14:02."</ErrorState>
        </section>
    }
}

fn charts(now: jiff::Timestamp) -> impl IntoView {
    let (end, step) = (now.as_second() / 60 * 60, 60);
    let wave = |phase: f64, height: f64| -> Vec<Option<f64>> {
        let point =
            |i: i32| (!(80..90).contains(&i)).then(|| height * (1.2 + (f64::from(i) / 17.0 + phase).sin()));
        (0..180).map(point).collect()
    };
    let kinds = [
        ("Accepted and stored", Kind::Line, Unit::PerSecond),
        ("Time to store", Kind::Area, Unit::Milliseconds),
        ("Queue depth", Kind::Bars, Unit::Count),
    ];
    kinds
        .into_iter()
        .enumerate()
        .map(|(index, (title, kind, unit))| {
            let mut chart = Chart::new(title, unit, end - 180 * step, end, step);
            chart.kind = kind;
            chart.series = vec![Series::new("p99", 1, wave(0.0, 100.0)), Series::new("p50", 2, wave(1.0, 40.0))];
            chart.thresholds = vec![Threshold { value: 200.0, label: "high".into(), tier: Tier::High }];
            chart.alarms = vec![AlarmPeriod { from: end - 3000, to: Some(end - 1800), tier: Tier::Low }];
            let (items, drawn) = (legend(&chart), Arc::new(render_svg(&chart)));
            view! {
                <Figure id=format!("chart-{index}") title=title current=Some(unit.format(142.0)) help="What it means and where it comes from." drawn=drawn legend=items />
            }
        })
        .collect_view()
}
