//! AWS's public list prices: `pipeline/metrics/prices.json`, for the budget on one machine and for docs/cost.md.

use serde::Deserialize;
use std::sync::LazyLock;

/// A price list.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// The region in which it is valid.
    pub region: String,
    /// Its currency.
    pub currency: String,
    /// The prices.
    pub prices: Vec<Price>,
}

/// The list prices without free tiers.
pub fn prices() -> &'static Prices {
    static PRICES: LazyLock<Prices> = LazyLock::new(|| {
        serde_json::from_str(include_str!("../prices.json"))
            .unwrap_or_else(|error| unreachable!("prices.json, checked by a test: {error}"))
    });
    &PRICES
}

impl Prices {
    /// Average price of a unit when this number of units is used in a month; `None` if the list has no such price.
    pub fn average(&self, key: &str, per_month: f64) -> Option<f64> {
        self.prices.iter().find(|price| price.key == key).map(|price| price.average(per_month))
    }

    /// The price of one, not of a million or a thousand, at little use; 0 if the list has no such price.
    pub fn of_one(&self, key: &str) -> f64 {
        let price = self.prices.iter().find(|price| price.key == key);
        price.map_or(0.0, |price| price.average(0.0) / price.ones())
    }
}

/// The price of a unit.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Its name, by which programs find it.
    pub key: String,
    /// The thing that is paid for.
    pub what: String,
    /// The unit that the tiers count in.
    pub unit: String,
    /// Prices by use in a month, the first units first.
    pub tiers: Vec<Tier>,
    /// AWS's own page.
    pub source: String,
    /// The page where the figure was read, if AWS's own page shows it only with JavaScript.
    #[serde(default)]
    pub read_in: Option<String>,
    /// The date on which the figure was read.
    pub as_of: String,
}

/// The price of some of a month's units.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Up to this number of units, counted from the first; `None`: all remaining units.
    #[serde(default)]
    pub up_to: Option<f64>,
    /// Dollars per unit.
    pub usd: f64,
}

impl Price {
    /// How many things a unit is.
    fn ones(&self) -> f64 {
        match self.unit.as_str() {
            "million" => 1e6,
            "thousand" => 1e3,
            _ => 1.0,
        }
    }

    /// Average dollars per unit when this number of units is used in a month.
    fn average(&self, per_month: f64) -> f64 {
        let (mut cost, mut from) = (0.0, 0.0);
        for tier in &self.tiers {
            let to = tier.up_to.unwrap_or(f64::INFINITY).min(per_month);
            if to > from {
                cost += (to - from) * tier.usd;
                from = to;
            }
        }
        if per_month > 0.0 { cost / per_month } else { self.tiers[0].usd }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_whole(price: &Price) -> bool {
        let limits: Vec<Option<f64>> = price.tiers.iter().map(|tier| tier.up_to).collect();
        let rising = limits.windows(2).all(|pair| match pair {
            [Some(before), Some(after)] => before < after,
            [Some(_), None] => true,
            _ => false,
        });
        rising && limits.last() == Some(&None)
    }

    #[test]
    fn tiers_are_paid_one_after_the_other() {
        let tier = |up_to, usd| Tier { up_to, usd };
        let tiers = vec![tier(Some(10.0), 3.0), tier(Some(20.0), 2.0), tier(None, 1.0)];
        let price = Price { tiers, ..prices().prices[0].clone() };
        assert_eq!((price.average(0.0), price.average(10.0), price.average(20.0)), (3.0, 3.0, 2.5));
        assert_eq!(price.average(40.0), (30.0 + 20.0 + 20.0) / 40.0);
    }

    #[test]
    fn the_tiers_of_each_price_rise_to_one_without_an_end() {
        for price in &prices().prices {
            assert!(is_whole(price), "{}", price.key);
        }
    }

    #[test]
    fn a_price_of_one_is_a_millionth_or_a_thousandth_of_a_unit_s() {
        let list = prices();
        assert_eq!((list.of_one("api_request"), list.of_one("s3_put")), (3.5e-6, 5e-6));
        assert_eq!((list.of_one("lambda_gb_s"), list.average("none", 1.0)), (0.000_013_333_4, None));
    }
}
