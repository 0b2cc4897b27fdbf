//! The month's spending against its limit, from AWS Budgets.

use crate::read_error;
use aws_sdk_budgets::Client;
use aws_sdk_budgets::config::{Builder, Region};
use aws_sdk_budgets::types::Spend;
use spillway_aws::explain;
use spillway_aws::{Clients, Topology};
use spillway_dashboard_model::ReadError;

/// Spending of this month: actual and forecast.
#[derive(Clone, Debug, PartialEq)]
pub struct Budget {
    /// The limit, in US dollars.
    pub limit_usd: f64,
    /// Actual spending so far. AWS updates it about three times a day.
    pub actual_usd: f64,
    /// Forecast spending at the end of the month. `None` while there is too little history: AWS needs about five weeks.
    pub forecast_usd: Option<f64>,
}

impl Budget {
    /// Share of the limit that is spent, in percent.
    pub fn actual_percent(&self) -> Option<f64> {
        self.percent(self.actual_usd)
    }

    /// Share of the limit that is forecast, in percent.
    pub fn forecast_percent(&self) -> Option<f64> {
        self.percent(self.forecast_usd?)
    }

    fn percent(&self, spent: f64) -> Option<f64> {
        (self.limit_usd > 0.0).then(|| 100.0 * spent / self.limit_usd)
    }
}

/// Reads budgets of an account.
#[derive(Clone, Debug)]
pub struct Budgets {
    client: Client,
    account: String,
}

impl Budgets {
    /// The budgets of an account, through this client.
    pub fn new(client: Client, account: impl Into<String>) -> Self {
        Self { client, account: account.into() }
    }

    /// The budgets of a deployment's account. One region of each partition has the budgets of all.
    pub fn of(topology: &Topology, clients: &Clients) -> Self {
        Self::in_account(&topology.account, &topology.partition, clients)
    }

    /// The budgets of an account in a partition (`aws`, `aws-cn`).
    pub fn in_account(account: &str, partition: &str, clients: &Clients) -> Self {
        let region = if partition == "aws-cn" { "cn-northwest-1" } else { "us-east-1" };
        let mut config = Builder::from(clients.config()).region(Region::new(region));
        config.set_interceptors(clients.interceptors().iter().cloned());
        Self::new(Client::from_conf(config.build()), account)
    }

    /// The budget with that name.
    ///
    /// # Errors
    /// [`ReadError`] if AWS did not answer, or the budget has no limit in money.
    pub async fn read(&self, name: &str) -> Result<Budget, ReadError> {
        let answer = self.client.describe_budget().account_id(&self.account).budget_name(name).send().await;
        let answer = answer.map_err(|error| read_error(explain::explain(&error, "budgets:ViewBudget")))?;
        let unfit = || ReadError::Unavailable {
            reason: format!(
                "the budget {name} has no limit in US dollars: check it in the account's billing pages"
            ),
        };
        let budget = answer.budget.ok_or_else(unfit)?;
        let spend = budget.calculated_spend();
        Ok(Budget {
            limit_usd: budget.budget_limit().and_then(usd).ok_or_else(unfit)?,
            actual_usd: spend.and_then(|spend| spend.actual_spend()).and_then(usd).unwrap_or(0.0),
            forecast_usd: spend.and_then(|spend| spend.forecasted_spend()).and_then(usd),
        })
    }
}

fn usd(spend: &Spend) -> Option<f64> {
    (spend.unit() == "USD").then(|| spend.amount().parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_relative_to_the_limit() {
        let budget = Budget { limit_usd: 50.0, actual_usd: 20.0, forecast_usd: Some(60.0) };
        assert_eq!((budget.actual_percent(), budget.forecast_percent()), (Some(40.0), Some(120.0)));
        let unlimited = Budget { limit_usd: 0.0, forecast_usd: None, ..budget };
        assert_eq!((unlimited.actual_percent(), unlimited.forecast_percent()), (None, None));
    }

    #[test]
    fn only_us_dollars_are_read() {
        let spend = |amount: &str, unit: &str| Spend::builder().amount(amount).unit(unit).build().unwrap();
        assert_eq!(usd(&spend("12.50", "USD")), Some(12.5));
        assert_eq!((usd(&spend("12.50", "GB")), usd(&spend("a lot", "USD"))), (None, None));
    }
}
