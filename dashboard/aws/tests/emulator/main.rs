//! The dashboard's readers on independent emulators, which `cargo xtask test` starts: CloudWatch on MiniStack, X-Ray and Budgets
//! on moto. Moto does not speak the protocol in which the SDK talks to CloudWatch.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod contract;

use aws_config::{BehaviorVersion, Region};
use aws_sdk_budgets::types::{Budget, BudgetType, CalculatedSpend, Spend, TimeUnit};
use spillway_aws::Clients;
use spillway_core::trace::segment_id;
use spillway_dashboard_aws::budgets::Budgets;

/// Clients of the emulator with X-Ray and Budgets.
async fn moto() -> Clients {
    clients("SPILLWAY_MOTO_ENDPOINT").await
}

/// Clients of the emulator with the other services.
async fn ministack() -> Clients {
    clients("SPILLWAY_EMULATOR_ENDPOINT").await
}

#[expect(clippy::disallowed_methods, reason = "the program that starts the emulators sets their addresses")]
async fn clients(variable: &str) -> Clients {
    let endpoint = std::env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} is not set: run this through `cargo xtask test`"));
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

#[tokio::test]
async fn a_budget_has_actual_and_forecast_spending() {
    let clients = moto().await;
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
