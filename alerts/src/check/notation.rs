//! The compact notation of a series, as `promtool test rules` has it.

/// Longest series that a scenario may have: 40 days of minutes.
const LONGEST: usize = 57_600;

/// A series cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{item}`: {expected}")]
pub struct NotationError {
    /// The part that was not understood.
    pub item: String,
    /// What was expected.
    pub expected: &'static str,
}

/// Reads a series, one value an interval, NaN for a gap. Separated by spaces:
///
/// * `5` is a value; `-` or `_` is a gap; `-x3` is three gaps;
/// * `5x3` is 5 and then 5 three times more: four values;
/// * `5+2x3` is 5 7 9 11 and `5-2x3` is 5 3 1 -1: the first value and three steps;
/// * `X` is 1 and `O` is 0, as AWS's tables have them.
pub fn parse_series(text: &str) -> Result<Vec<f64>, NotationError> {
    let mut values = Vec::new();
    for item in text.split_whitespace() {
        append(item, &mut values).map_err(|expected| NotationError { item: item.to_owned(), expected })?;
        if values.len() > LONGEST {
            let expected = "expected a series of at most 57600 values";
            return Err(NotationError { item: item.to_owned(), expected });
        }
    }
    Ok(values)
}

fn append(item: &str, values: &mut Vec<f64>) -> Result<(), &'static str> {
    let (value, times) = match item.rsplit_once('x') {
        Some((value, times)) => {
            let times: usize = times.parse().map_err(|_| "expected a number of repetitions after `x`")?;
            (value, Some(times))
        }
        None => (item, None),
    };
    if times.is_some_and(|times| times > LONGEST) {
        return Err("expected at most 57600 repetitions");
    }
    match value {
        "-" | "_" => values.extend(std::iter::repeat_n(f64::NAN, times.unwrap_or(1))),
        "X" => values.extend(std::iter::repeat_n(1.0, times.unwrap_or(0) + 1)),
        "O" => values.extend(std::iter::repeat_n(0.0, times.unwrap_or(0) + 1)),
        _ => {
            let (first, step) = split_step(value)?;
            values.extend((0..=times.unwrap_or(0)).map(|n| first + step * n as f64));
        }
    }
    Ok(())
}

/// `5+2` into 5 and 2, `5-2` into 5 and -2, `1e-3` into itself and 0.
fn split_step(text: &str) -> Result<(f64, f64), &'static str> {
    const EXPECTED: &str = "expected a number, a number with a step such as 5+2x3, or - for a gap";
    let finite = |text: &str| text.parse::<f64>().ok().filter(|value| value.is_finite());
    if let Some(value) = finite(text) {
        return Ok((value, 0.0));
    }
    let bytes = text.as_bytes();
    let at = (1..bytes.len())
        .rev()
        .find(|at| matches!(bytes[*at], b'+' | b'-') && !matches!(bytes[at - 1], b'e' | b'E'))
        .ok_or(EXPECTED)?;
    let first = finite(&text[..at]).ok_or(EXPECTED)?;
    let step = finite(&text[at..]).ok_or(EXPECTED)?;
    Ok((first, step))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        let values = parse_series(text).unwrap();
        values
            .iter()
            .map(|v| if v.is_nan() { "-".to_owned() } else { v.to_string() })
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn series_are_read_as_promtool_reads_them() {
        assert_eq!(read("1x4"), "1 1 1 1 1");
        assert_eq!(read("-2+4x3"), "-2 2 6 10");
        assert_eq!(read("10-2x2 -"), "10 8 6 -");
        assert_eq!(read("_x3 1e-3"), "- - - 0.001");
        assert_eq!(read("1.5-0.5x1 -x2 -4"), "1.5 1 - - -4");
        assert_eq!(read("O - X - Xx1"), "0 - 1 - 1 1");
        assert_eq!(read("  "), "");
    }

    #[test]
    fn anything_else_says_what_was_expected() {
        for wrong in ["a", "1x", "1xx", "x3", "1+x3", "NaN", "inf", "--", "1x99999999", "5 ++"] {
            assert!(parse_series(wrong).is_err(), "{wrong}");
        }
        let error = parse_series("1 2 bad").unwrap_err().to_string();
        assert_eq!(error, "`bad`: expected a number, a number with a step such as 5+2x3, or - for a gap");
    }
}
