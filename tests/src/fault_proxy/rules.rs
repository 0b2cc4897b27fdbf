//! Rules that decide which calls fail, and how.

use super::{Call, Service};
use http::Uri;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use std::collections::BTreeMap;
use std::time::Duration;

/// The fault of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The service refuses the call because of its rate limit, with its own error. The call has no effect.
    Throttle,
    /// The service fails (HTTP 500). The call has no effect.
    Fail,
    /// The connection ends before the call reaches the service.
    CutBefore,
    /// The connection ends after the call had its effect, but before the answer.
    CutAfter,
    /// The call arrives later by this duration, and so does the answer.
    Slow(Duration),
    /// The last item of a batch is not accepted, and the answer says so with HTTP 200. Calls without items are
    /// throttled.
    Partial,
}

/// The calls that a rule applies to. The default is all calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// Only calls to this service.
    pub service: Option<Service>,
    /// Only this operation.
    pub operation: Option<&'static str>,
    /// Only calls that contain all these texts in path or body, such as the name of a table or queue.
    pub about: Vec<String>,
}

impl Calls {
    /// All calls to a service.
    pub fn of(service: Service) -> Self {
        Self { service: Some(service), ..Self::default() }
    }

    /// Restricts them to one operation.
    pub fn operation(self, operation: &'static str) -> Self {
        Self { operation: Some(operation), ..self }
    }

    /// Restricts them to calls with this text in path or body.
    pub fn about(mut self, text: impl Into<String>) -> Self {
        self.about.push(text.into());
        self
    }

    fn include(&self, call: &Call, uri: &Uri, body: &[u8]) -> bool {
        self.service.is_none_or(|service| service == call.service)
            && self.operation.is_none_or(|operation| operation == call.operation)
            && self
                .about
                .iter()
                .all(|text| uri.path().contains(text.as_str()) || contains(body, text.as_bytes()))
    }
}

fn contains(body: &[u8], text: &[u8]) -> bool {
    body.windows(text.len()).any(|window| window == text)
}

/// A rule by which some calls fail.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// The calls that may fail.
    pub calls: Calls,
    /// The fault.
    pub fault: Fault,
    /// The share of them that fails, from 0 to 1.
    pub share: f64,
    /// After this number of faults the rule has no more effect.
    pub times: Option<u64>,
}

impl Rule {
    /// All of these calls fail.
    pub fn all(calls: Calls, fault: Fault) -> Self {
        Self::some(1.0, calls, fault)
    }

    /// A share of these calls fails.
    pub fn some(share: f64, calls: Calls, fault: Fault) -> Self {
        Self { calls, fault, share, times: None }
    }

    /// Only the next of these calls fail, `times` of them.
    pub fn next(times: u64, calls: Calls, fault: Fault) -> Self {
        Self { times: Some(times), ..Self::all(calls, fault) }
    }
}

/// Counts of the proxy's calls and faults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts(BTreeMap<(Call, Option<Fault>), u64>);

impl Counts {
    /// Calls of an operation, with or without a fault.
    pub fn calls(&self, service: Service, operation: &str) -> u64 {
        self.sum(|call, _| call.service == service && call.operation == operation)
    }

    /// Calls with this fault.
    pub fn faults(&self, fault: Fault) -> u64 {
        self.sum(|_, met| met == Some(fault))
    }

    /// Calls of an operation with this fault.
    pub fn faults_of(&self, service: Service, operation: &str, fault: Fault) -> u64 {
        self.sum(|call, met| call.service == service && call.operation == operation && met == Some(fault))
    }

    /// All calls.
    pub fn all(&self) -> u64 {
        self.sum(|_, _| true)
    }

    /// Calls without a fault.
    pub fn passed(&self) -> u64 {
        self.sum(|_, met| met.is_none())
    }

    /// The counts since an earlier reading.
    pub fn since(&self, earlier: &Self) -> Self {
        let newer = self.0.iter().map(|(key, count)| (key.clone(), count - earlier.0.get(key).unwrap_or(&0)));
        Self(newer.filter(|(_, count)| *count > 0).collect())
    }

    fn sum(&self, wanted: impl Fn(&Call, Option<Fault>) -> bool) -> u64 {
        self.0.iter().filter(|((call, fault), _)| wanted(call, *fault)).map(|(_, count)| count).sum()
    }
}

/// The current rules, and the counts of their effects.
#[derive(Debug)]
pub(super) struct Rules {
    rules: Vec<Rule>,
    random: StdRng,
    counts: Counts,
}

impl Default for Rules {
    fn default() -> Self {
        Self { rules: Vec::new(), random: StdRng::seed_from_u64(0), counts: Counts::default() }
    }
}

impl Rules {
    pub(super) fn set(&mut self, seed: u64, rules: Vec<Rule>) {
        self.rules = rules;
        self.random = StdRng::seed_from_u64(seed);
    }

    pub(super) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Decides about a call. All rules share one random number. So shares of 10 %, 5 % and 1 % apply to all calls, not
    /// only to calls that earlier rules let through.
    pub(super) fn draw(&mut self, call: &Call, uri: &Uri, body: &[u8]) -> Option<Fault> {
        let mut left: f64 = self.random.random();
        let mut met = None;
        for rule in self.rules.iter_mut().filter(|rule| rule.times != Some(0)) {
            if !rule.calls.include(call, uri, body) {
                continue;
            }
            if left < rule.share {
                rule.times = rule.times.map(|times| times - 1);
                met = Some(rule.fault);
                break;
            }
            left -= rule.share;
        }
        *self.counts.0.entry((call.clone(), met)).or_default() += 1;
        met
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(service: Service, operation: &str) -> Call {
        Call { service, operation: operation.to_owned() }
    }

    #[test]
    fn shares_are_shares_of_all_calls_and_the_seed_decides() {
        let all = Calls::default();
        let run = |seed| {
            let mut rules = Rules::default();
            rules.set(
                seed,
                vec![
                    Rule::some(0.10, all.clone(), Fault::Throttle),
                    Rule::some(0.05, all.clone(), Fault::Fail),
                    Rule::some(0.01, all.clone(), Fault::CutAfter),
                ],
            );
            let put = call(Service::DynamoDb, "PutItem");
            let met: Vec<_> = (0..10_000).map(|_| rules.draw(&put, &Uri::from_static("/"), b"")).collect();
            (met, rules.counts.clone())
        };
        let (met, counts) = run(7);
        assert!((900..1100).contains(&counts.faults(Fault::Throttle)), "{counts:?}");
        assert!((420..580).contains(&counts.faults(Fault::Fail)), "{counts:?}");
        assert!((60..140).contains(&counts.faults(Fault::CutAfter)), "{counts:?}");
        assert_eq!(counts.all(), 10_000);
        assert!((8200..8600).contains(&counts.passed()), "{counts:?}");
        assert_eq!(run(7).0, met);
        assert_ne!(run(8).0, met);
    }

    #[test]
    fn a_rule_is_about_its_calls_and_is_spent_after_its_times() {
        let mut rules = Rules::default();
        let calls = Calls::of(Service::DynamoDb).operation("PutItem").about("spillway-events").about("\"a\"");
        rules.set(1, vec![Rule::next(2, calls, Fault::Fail)]);
        let uri = Uri::from_static("/");
        let body = br#"{"TableName":"spillway-events","Id":"a"}"#;
        let other = br#"{"TableName":"spillway-events","Id":"b"}"#;
        let put = call(Service::DynamoDb, "PutItem");
        assert_eq!(rules.draw(&put, &uri, b"{}"), None);
        assert_eq!(rules.draw(&put, &uri, other), None, "all texts have to be there");
        assert_eq!(rules.draw(&call(Service::DynamoDb, "GetItem"), &uri, body), None);
        assert_eq!(rules.draw(&call(Service::Sqs, "PutItem"), &uri, body), None);
        assert_eq!(rules.draw(&put, &uri, body), Some(Fault::Fail));
        let before = rules.counts.clone();
        assert_eq!(rules.draw(&put, &uri, body), Some(Fault::Fail));
        assert_eq!(rules.draw(&put, &uri, body), None);
        assert_eq!(rules.counts.since(&before).faults_of(Service::DynamoDb, "PutItem", Fault::Fail), 1);
        assert_eq!(rules.counts.calls(Service::DynamoDb, "PutItem"), 5);
    }
}
