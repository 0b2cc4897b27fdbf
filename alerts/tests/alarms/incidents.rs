//! Simulated incidents: a low alarm announces each one before a high alarm does, and a normal week pages no engineer.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fault;
mod world;

use fault::Fault;
use jiff::tz::TimeZone;
use spillway_alerts::backtest::{Backtest, Range, run};
use spillway_alerts::{Limits, RuleSet, Tier};
use world::{DAY, HOUR, simulate};

fn backtest(days: usize, fault: Fault) -> Backtest {
    let rules = RuleSet::built_in(&Limits::built_in().unwrap()).unwrap();
    let (history, from, until) = simulate(&rules, days * DAY, fault);
    run(&rules, &history, &Range { from, until, zone: TimeZone::UTC }).unwrap()
}

/// The first firing of a tier in minutes since the incident began, and the rule.
fn first(backtest: &Backtest, tier: Tier, began: usize) -> Option<(i64, String)> {
    backtest
        .rules
        .iter()
        .filter(|outcome| outcome.tier == tier && outcome.notify)
        .filter_map(|outcome| {
            let firing =
                outcome.firings.iter().find(|firing| minutes(backtest, firing.from) >= began as i64)?;
            Some((minutes(backtest, firing.from) - began as i64, outcome.rule.to_string()))
        })
        .min()
}

fn minutes(backtest: &Backtest, at: jiff::Timestamp) -> i64 {
    (at.as_second() - backtest.from.as_second()) / 60
}

#[test]
fn a_normal_week_pages_no_engineer() {
    let backtest = backtest(7, Fault::None);
    assert_eq!(backtest.pages(), 0, "{backtest}");
    assert!(backtest.low_firings() <= 5, "{backtest}");
}

#[test]
fn every_incident_notifies_a_low_alarm_before_a_high_one() {
    let incidents = [
        ("store outage", 2, Fault::StoreOutage { from: DAY, minutes: 4 * HOUR }),
        ("throttling ramp", 2, Fault::ThrottlingRamp { from: DAY, minutes: 8 * HOUR }),
        ("poison burst", 2, Fault::PoisonBurst { from: DAY, minutes: 30 }),
        ("bad deployment", 2, Fault::BadDeployment { from: DAY, minutes: 2 * HOUR }),
        ("traffic drop", 2, Fault::TrafficDrop { from: DAY, minutes: 3 * HOUR }),
        ("slow leak", 3, Fault::SlowLeak { from: DAY, minutes: 12 * HOUR }),
        ("consumer crash", 2, Fault::ConsumerCrash { from: DAY, minutes: 2 * HOUR }),
        ("archiver outage", 2, Fault::ArchiverOutage { from: DAY, minutes: 3 * HOUR }),
        ("archiver crash", 15, Fault::ArchiverCrash { from: DAY, minutes: 14 * DAY }),
        ("cost creep", 25, Fault::CostCreep { from: DAY }),
    ];
    println!("{:<18} {:>8} {:<26} {:>8} {:<26} {:>8}", "incident", "low", "", "high", "", "lead");
    for (name, days, fault) in incidents {
        let backtest = backtest(days, fault);
        let low =
            first(&backtest, Tier::Low, DAY).unwrap_or_else(|| panic!("{name}: no low alarm\n{backtest}"));
        let high =
            first(&backtest, Tier::High, DAY).unwrap_or_else(|| panic!("{name}: no high alarm\n{backtest}"));
        println!(
            "{name:<18} {:>4} min {:<26} {:>4} min {:<26} {:>4} min",
            low.0,
            low.1,
            high.0,
            high.1,
            high.0 - low.0
        );
        assert!(low.0 < high.0, "{name}: {low:?} before {high:?}");
        assert_eq!(
            backtest.without_warning(),
            [],
            "{name}: each high alarm has its own low one before it\n{backtest}"
        );
        let before = backtest.rules.iter().filter(|outcome| outcome.tier == Tier::High && outcome.notify);
        for outcome in before {
            for firing in &outcome.firings {
                assert!(
                    minutes(&backtest, firing.from) >= DAY as i64,
                    "{name}: {} fired before it",
                    outcome.rule
                );
            }
        }
    }
}
