//! Units, and the text of a value in a unit.

use serde::{Deserialize, Serialize};
use spillway_dashboard_words::set_apart;

/// The separator of number and unit, so that a line never breaks there.
const NBSP: char = '\u{a0}';
const MINUS: char = '\u{2212}';

/// The unit of a number. It decides labels and the steps of an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Unit {
    /// Whole items: messages, requests, errors. The axis never shows a fraction.
    #[serde(rename = "count")]
    Count,
    /// A plain number that may be a fraction, such as a mean of counts.
    #[default]
    #[serde(rename = "number")]
    Number,
    /// Items per second.
    #[serde(rename = "/s")]
    PerSecond,
    /// A duration in milliseconds.
    #[serde(rename = "ms")]
    Milliseconds,
    /// A duration in seconds.
    #[serde(rename = "s")]
    Seconds,
    /// A share in percent: 95.0 is 95 %.
    #[serde(rename = "%")]
    Percent,
    /// A size in bytes, written in powers of 1,024.
    #[serde(rename = "B")]
    Bytes,
    /// US dollars, the currency AWS bills in.
    #[serde(rename = "USD")]
    Dollars,
}

#[cfg(feature = "draw")]
impl From<spillway_metrics::Unit> for Unit {
    fn from(unit: spillway_metrics::Unit) -> Self {
        match unit {
            spillway_metrics::Unit::Count => Self::Count,
            spillway_metrics::Unit::Milliseconds => Self::Milliseconds,
            spillway_metrics::Unit::Seconds => Self::Seconds,
            spillway_metrics::Unit::Bytes => Self::Bytes,
            spillway_metrics::Unit::Percent => Self::Percent,
            spillway_metrics::Unit::None => Self::Number,
        }
    }
}

impl Unit {
    /// The value in about three digits, as on an axis: `1.2 k`, `340 ms`, `12.4 MiB`, `38 min`, `95 %`, `$41.20`.
    ///
    /// The spaces do not break. A value that is not a number is written as a dash.
    #[must_use]
    pub fn format(self, value: f64) -> String {
        signed(value, |v| match self {
            Self::Count | Self::Number => join(&metric(v)),
            Self::PerSecond => format!("{}/s", join(&metric(v))),
            Self::Milliseconds => join(&milliseconds(v)),
            Self::Seconds => join(&seconds(v)),
            Self::Percent => format!("{}{NBSP}%", percent(v)),
            Self::Bytes => join(&bytes(v)),
            Self::Dollars => format!("${}", dollars(v)),
        })
    }

    /// The value with all significant digits, as in a tooltip or a table: `172,431`, `1,204.5 ms`, `$41.207`.
    #[must_use]
    pub fn exact(self, value: f64) -> String {
        signed(value, |v| {
            let number = grouped(v);
            match self {
                Self::Count | Self::Number => number,
                Self::PerSecond => format!("{number}/s"),
                Self::Milliseconds => format!("{number}{NBSP}ms"),
                Self::Seconds => format!("{number}{NBSP}s"),
                Self::Percent => format!("{number}{NBSP}%"),
                Self::Bytes => format!("{number}{NBSP}B"),
                Self::Dollars => format!("${number}"),
            }
        })
    }
}

fn signed(value: f64, write: impl Fn(f64) -> String) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    // A value that rounds to zero has no sign: not "−0 ms".
    let text = write(value.abs());
    if value < 0.0 && text.contains(|c: char| c.is_ascii_digit() && c != '0') {
        format!("{MINUS}{text}")
    } else {
        text
    }
}

/// A rounded number, and the prefix or unit after it.
type Scaled = (String, &'static str);

fn join((number, suffix): &Scaled) -> String {
    if suffix.is_empty() { number.clone() } else { format!("{number}{NBSP}{suffix}") }
}

const CLOCK: &[(f64, &str)] = &[(1.0, "s"), (60.0, "min"), (3600.0, "h"), (86_400.0, "d")];

fn metric(v: f64) -> Scaled {
    climb(v, &[(1.0, ""), (1e3, "k"), (1e6, "M"), (1e9, "G"), (1e12, "T")])
}

fn bytes(v: f64) -> Scaled {
    const KIB: f64 = 1024.0;
    climb(
        v,
        &[
            (1.0, "B"),
            (KIB, "KiB"),
            (KIB * KIB, "MiB"),
            (KIB * KIB * KIB, "GiB"),
            (KIB * KIB * KIB * KIB, "TiB"),
        ],
    )
}

fn milliseconds(v: f64) -> Scaled {
    if round(v) < 1000.0 { (duration_digits(v), "ms") } else { seconds(v / 1000.0) }
}

fn seconds(v: f64) -> Scaled {
    if v > 0.0 && round(v * 1000.0) < 1000.0 {
        return milliseconds(v * 1000.0);
    }
    let (_, unit) = climb(v, CLOCK);
    let size = CLOCK.iter().find(|(_, name)| *name == unit).map_or(1.0, |(size, _)| *size);
    (duration_digits(v / size), unit)
}

/// Minutes need no fraction.
fn duration_digits(v: f64) -> String {
    if (9.95..1e6).contains(&v) { trimmed(v, 0) } else { digits(v) }
}

/// The last unit of which the value, once rounded, is at least one.
fn climb(v: f64, units: &[(f64, &'static str)]) -> Scaled {
    let mut best = (digits(v), units.first().map_or("", |u| u.1));
    for window in units.windows(2) {
        let [(size, _), (next, suffix)] = window else { continue };
        if round(v / size) * size < *next {
            break;
        }
        best = (digits(v / next), suffix);
    }
    best
}

fn percent(v: f64) -> String {
    // Availability is between 99 and 100: with one digit, 99.95 would become 100.
    if v > 99.0 && v < 100.0 { trimmed(v.min(99.99), 2) } else { digits(v) }
}

fn dollars(v: f64) -> String {
    if v >= 1000.0 {
        join(&metric(v))
    } else if v > 0.0 && v < 0.1 {
        digits(v)
    } else if (v - v.round()).abs() < 0.005 {
        format!("{v:.0}")
    } else {
        format!("{v:.2}")
    }
}

fn decimals(v: f64) -> usize {
    if v >= 99.95 {
        0
    } else if v >= 0.995 {
        1
    } else if v >= 0.0995 {
        2
    } else if v >= 0.00995 {
        3
    } else {
        4
    }
}

fn round(v: f64) -> f64 {
    let factor = if v >= 99.95 { 1.0 } else { 10.0 };
    (v * factor).round() / factor
}

fn digits(v: f64) -> String {
    // There is no larger unit, so only shorten the number.
    if v >= 1e6 {
        return format!("{v:.0e}");
    }
    trimmed(v, decimals(v))
}

fn trimmed(v: f64, decimals: usize) -> String {
    let text = format!("{v:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

fn grouped(v: f64) -> String {
    let text = trimmed(v, if v < 0.1 { 6 } else { 3 });
    let (whole, fraction) = text.split_once('.').map_or((text.as_str(), None), |(w, f)| (w, Some(f)));
    let mut out = set_apart(whole);
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(unit: Unit, cases: &[(f64, &str)]) {
        for (value, expected) in cases {
            assert_eq!(unit.format(*value).replace(NBSP, " "), *expected, "{value} as {unit:?}");
        }
    }

    #[test]
    fn counts_take_metric_prefixes() {
        check(
            Unit::Count,
            &[
                (0.0, "0"),
                (26.0, "26"),
                (999.0, "999"),
                (999.6, "1 k"),
                (1234.0, "1.2 k"),
                (99_960.0, "100 k"),
                (172_431.0, "172 k"),
                (999_999.0, "1 M"),
                (2.5e9, "2.5 G"),
                (7e15, "7000 T"),
                (7e18, "7e6 T"),
            ],
        );
        check(Unit::Number, &[(0.37, "0.37"), (0.0042, "0.0042"), (-3.0, "−3"), (-0.000_001, "0")]);
        check(Unit::PerSecond, &[(2.0, "2/s"), (1234.0, "1.2 k/s")]);
    }

    #[test]
    fn durations_use_the_usual_unit() {
        check(
            Unit::Milliseconds,
            &[
                (0.0, "0 ms"),
                (0.42, "0.42 ms"),
                (340.0, "340 ms"),
                (1200.0, "1.2 s"),
                (55.8, "56 ms"),
                (90_000.0, "1.5 min"),
            ],
        );
        check(
            Unit::Seconds,
            &[
                (0.0, "0 s"),
                (0.25, "250 ms"),
                (14.0, "14 s"),
                (59.99, "1 min"),
                (2256.0, "38 min"),
                (3_599.0, "1 h"),
                (5400.0, "1.5 h"),
                (1_209_600.0, "14 d"),
            ],
        );
    }

    #[test]
    fn sizes_shares_and_money() {
        check(
            Unit::Bytes,
            &[(512.0, "512 B"), (1023.9, "1 KiB"), (13_002_342.0, "12.4 MiB"), (1024.0 * 1024.0, "1 MiB")],
        );
        check(
            Unit::Percent,
            &[(95.0, "95 %"), (0.1, "0.1 %"), (99.95, "99.95 %"), (99.999, "99.99 %"), (100.0, "100 %")],
        );
        check(
            Unit::Dollars,
            &[(0.0, "$0"), (41.2, "$41.20"), (100.0, "$100"), (0.004, "$0.004"), (1234.0, "$1.2 k")],
        );
    }

    #[test]
    fn a_value_that_is_not_a_number_is_a_dash() {
        for unit in [Unit::Count, Unit::Bytes, Unit::Seconds, Unit::Dollars] {
            assert_eq!(unit.format(f64::NAN), "–");
            assert_eq!(unit.exact(f64::INFINITY), "–");
        }
    }

    #[test]
    fn exact_values_keep_their_digits() {
        assert_eq!(Unit::Count.exact(172_431.0), "172,431");
        assert_eq!(Unit::Milliseconds.exact(1204.5), "1,204.5\u{a0}ms");
        assert_eq!(Unit::Dollars.exact(0.000_2), "$0.0002");
        assert_eq!(Unit::Count.exact(-1000.0), "−1,000");
    }
}
