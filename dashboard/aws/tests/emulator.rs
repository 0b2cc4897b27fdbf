//! X-Ray and Budgets on an independent emulator (moto), which `cargo xtask test` starts.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use aws_config::{BehaviorVersion, Region};
use aws_sdk_budgets::types::{Budget, BudgetType, CalculatedSpend, Spend, TimeUnit};
use aws_sdk_xray::Client;
use jiff::Timestamp;
use spillway_aws::Clients;
use spillway_core::trace::{Segment, TraceHeader, segment_id};
use spillway_dashboard_aws::XRayTraces;
use spillway_dashboard_aws::budgets::Budgets;
use spillway_dashboard_model::traces::TraceReader as _;

#[expect(clippy::disallowed_methods, reason = "the program that starts the emulator sets its address")]
async fn emulator() -> Clients {
    let endpoint = std::env::var("SPILLWAY_MOTO_ENDPOINT")
        .expect("SPILLWAY_MOTO_ENDPOINT is not set: run this through `cargo xtask test`");
    let http = aws_smithy_http_client::Builder::new().build_http();
    let config = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .region(Region::new("eu-central-1"))
        .credentials_provider(aws_sdk_xray::config::Credentials::new("id", "secret", None, None, "a test"))
        .endpoint_url(endpoint)
        .load()
        .await;
    Clients::from_config(config)
}

fn segment(trace: &TraceHeader, parent: Option<&Segment>, name: &str, at_s: i64) -> Segment {
    let time = |second| Timestamp::from_second(second).unwrap();
    let mut segment = Segment::new(name, time(at_s), time(at_s + 1));
    segment.trace_id = trace.root.clone();
    segment.parent_id = parent.map(|parent| parent.id.clone());
    segment
}

async fn put(client: &Client, segments: &[&Segment]) {
    let documents = segments.iter().map(|segment| serde_json::to_string(segment).unwrap());
    let answer = client
        .put_trace_segments()
        .set_trace_segment_documents(Some(documents.collect()))
        .send()
        .await
        .unwrap();
    assert!(answer.unprocessed_trace_segments().is_empty());
}

#[tokio::test]
async fn a_stored_trace_is_read_back_completely() {
    let client = Client::new(emulator().await.config());
    let reader = XRayTraces::new(client.clone());
    let start = Timestamp::from_second(1_772_460_195).unwrap();
    let mut written = Vec::new();
    for _ in 0..7 {
        let trace = TraceHeader::new(start, true);
        let mut ingest = segment(&trace, None, "spillway-ingest", start.as_second());
        let mut call = segment(&trace, None, "SQS", start.as_second());
        call.trace_id = String::new();
        call.namespace = Some("aws".into());
        ingest.subsegments.push(call);
        let consumer =
            segment(&trace, Some(&ingest.subsegments[0]), "spillway-consumer", start.as_second() + 2)
                .annotated("event_id", format!("e-{}", segment_id()))
                .annotated("outcome", "stored");
        put(&client, &[&ingest, &consumer]).await;
        written.push((trace.root, ingest, consumer));
    }
    for (id, ingest, consumer) in &written {
        let trace = reader.get(id).await.unwrap().expect("the trace was put");
        assert_eq!(trace.segments(), [ingest.clone(), consumer.clone()]);
        let tree: Vec<_> = trace.spans().iter().map(|span| (span.segment.name.clone(), span.depth)).collect();
        let expected = [("spillway-ingest", 0), ("SQS", 1), ("spillway-consumer", 2)];
        assert_eq!(tree, expected.map(|(name, depth)| (name.to_owned(), depth)));
        assert_eq!(trace.event_ids().len(), 1);
    }
}

#[tokio::test]
async fn a_trace_that_was_never_stored_is_unknown() {
    let reader = XRayTraces::new(Client::new(emulator().await.config()));
    let never = TraceHeader::new(Timestamp::from_second(1_772_460_195).unwrap(), true).root;
    assert_eq!(reader.get(&never).await.unwrap(), None);
    assert_eq!(reader.get("no trace at all").await.unwrap(), None);
}

#[tokio::test]
async fn a_budget_has_actual_and_forecast_spending() {
    let clients = emulator().await;
    let client = aws_sdk_budgets::Client::new(clients.config());
    let name = format!("budget-{}", segment_id());
    let usd = |amount: &str| Spend::builder().amount(amount).unit("USD").build().unwrap();
    let spent = CalculatedSpend::builder().actual_spend(usd("21.5")).forecasted_spend(usd("64.25")).build();
    let budget = Budget::builder()
        .budget_name(&name)
        .budget_type(BudgetType::Cost)
        .time_unit(TimeUnit::Monthly)
        .budget_limit(usd("50"))
        .calculated_spend(spent)
        .build()
        .unwrap();
    client.create_budget().account_id("123456789012").budget(budget).send().await.unwrap();

    let budgets = Budgets::in_account("123456789012", "aws", &clients);
    let read = budgets.read(&name).await.unwrap();
    assert_eq!((read.limit_usd, read.actual_usd, read.forecast_usd), (50.0, 21.5, Some(64.25)));
    assert_eq!(read.forecast_percent(), Some(128.5));
    let error = budgets.read("no-such-budget").await.unwrap_err().to_string();
    assert!(error.starts_with("budgets:ViewBudget"), "{error}");
}
