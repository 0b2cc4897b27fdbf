//! The functions' settings: environment variables, read once, each with its own type.

use spillway_core::ids::CodeVersion;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;
use tracing::level_filters::LevelFilter;

/// A setting that a function can't start with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// It is not set.
    #[error("the environment variable {name} is not set; terraform/README.md lists the required ones")]
    Missing {
        /// Its name.
        name: &'static str,
    },
    /// It has an invalid value.
    #[error("the environment variable {name} is {value:?}; it must be {expected}")]
    Wrong {
        /// Its name.
        name: &'static str,
        /// Its value.
        value: String,
        /// The expected value.
        expected: String,
    },
}

/// The environment variables of the process.
#[derive(Clone, Debug, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Those of this process. A value that is not UTF-8 counts as not set.
    pub(crate) fn of_process() -> Self {
        let variables = std::env::vars_os();
        Self(
            variables
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .collect(),
        )
    }

    /// Exactly these.
    pub fn of<'v>(variables: impl IntoIterator<Item = (&'v str, &'v str)>) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// An optional variable. An empty one counts as not set.
    pub fn optional(&self, name: &'static str) -> Option<String> {
        self.0.get(name).filter(|value| !value.is_empty()).cloned()
    }

    /// A variable.
    ///
    /// # Errors
    /// It is not set, or empty.
    pub fn text(&self, name: &'static str) -> Result<String, SettingError> {
        self.optional(name).ok_or(SettingError::Missing { name })
    }

    /// A whole number within a range.
    ///
    /// # Errors
    /// It is not set, no such number, or not within the range.
    pub fn number<T: FromStr + PartialOrd + Display>(
        &self,
        name: &'static str,
        range: RangeInclusive<T>,
    ) -> Result<T, SettingError> {
        let value = self.text(name)?;
        value.parse().ok().filter(|number| range.contains(number)).ok_or_else(|| SettingError::Wrong {
            name,
            value,
            expected: format!("a whole number from {} to {}", range.start(), range.end()),
        })
    }
}

/// The settings that every function has.
#[derive(Clone, Debug)]
pub struct Common {
    /// Its own name, the value of CloudWatch's dimension `FunctionName`.
    pub function: String,
    /// The deployment that it is a part of.
    pub deployment: String,
    /// The log level.
    pub log_level: LevelFilter,
    /// The code version that failures name.
    pub version: CodeVersion,
    /// How long an invocation may take.
    pub timeout: Duration,
    /// Where X-Ray's daemon listens; without it nothing is traced.
    pub xray_daemon: Option<SocketAddr>,
}

impl Common {
    /// Reads it.
    pub fn read(environment: &Environment) -> Result<Self, SettingError> {
        let release = environment.optional("SPILLWAY_RELEASE");
        Ok(Self {
            function: environment.text("AWS_LAMBDA_FUNCTION_NAME")?,
            deployment: environment.text("SPILLWAY_DEPLOYMENT")?,
            log_level: log_level(environment)?,
            version: CodeVersion::new(release.unwrap_or_else(|| env!("CARGO_PKG_VERSION").to_owned())),
            timeout: Duration::from_secs(environment.number("SPILLWAY_TIMEOUT_S", 1..=900)?),
            xray_daemon: environment
                .optional("AWS_XRAY_DAEMON_ADDRESS")
                .and_then(|text| daemon_address(&text)),
        })
    }
}

fn log_level(environment: &Environment) -> Result<LevelFilter, SettingError> {
    let name = "SPILLWAY_LOG_LEVEL";
    let value = environment.text(name)?;
    match value.as_str() {
        "error" => Ok(LevelFilter::ERROR),
        "warn" => Ok(LevelFilter::WARN),
        "info" => Ok(LevelFilter::INFO),
        "debug" => Ok(LevelFilter::DEBUG),
        "trace" => Ok(LevelFilter::TRACE),
        _ => {
            Err(SettingError::Wrong { name, value, expected: "error, warn, info, debug or trace".to_owned() })
        }
    }
}

/// The daemon's address: `169.254.79.129:2000`, or `tcp:ADDRESS udp:ADDRESS`. Lambda sets it. With an unreadable
/// address the function works without traces.
fn daemon_address(text: &str) -> Option<SocketAddr> {
    let udp = text.split(' ').find_map(|part| part.strip_prefix("udp:"));
    udp.unwrap_or(text).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn common() -> Vec<(&'static str, &'static str)> {
        vec![
            ("AWS_LAMBDA_FUNCTION_NAME", "shop-ingest"),
            ("SPILLWAY_DEPLOYMENT", "shop"),
            ("SPILLWAY_LOG_LEVEL", "warn"),
            ("SPILLWAY_TIMEOUT_S", "10"),
        ]
    }

    #[test]
    fn the_common_settings_are_read() {
        let settings = Common::read(&Environment::of(common())).unwrap();
        assert_eq!((settings.function.as_str(), settings.log_level), ("shop-ingest", LevelFilter::WARN));
        assert_eq!(settings.timeout.as_secs(), 10);
        assert_eq!(settings.version.as_str(), env!("CARGO_PKG_VERSION"));
        assert_eq!(settings.xray_daemon, None);
        let more = [("SPILLWAY_RELEASE", "2025.06"), ("AWS_XRAY_DAEMON_ADDRESS", "169.254.79.129:2000")];
        let settings = Common::read(&Environment::of(common().into_iter().chain(more))).unwrap();
        assert_eq!(settings.version.as_str(), "2025.06");
        assert_eq!(settings.xray_daemon, "169.254.79.129:2000".parse().ok());
    }

    #[test]
    fn a_missing_or_wrong_setting_is_named_in_one_line() {
        for (name, _) in common() {
            let others = common().into_iter().filter(|(other, _)| *other != name);
            let error = Common::read(&Environment::of(others)).unwrap_err();
            assert_eq!(error, SettingError::Missing { name });
        }
        let wrong = common().into_iter().chain([("SPILLWAY_LOG_LEVEL", "loud")]);
        let text = Common::read(&Environment::of(wrong)).unwrap_err().to_string();
        assert_eq!(
            text,
            "the environment variable SPILLWAY_LOG_LEVEL is \"loud\"; it must be error, warn, info, debug or trace"
        );
        let environment = Environment::of([("N", "0"), ("LINES", "a\nb")]);
        let text = environment.number::<u32>("N", 1..=20).unwrap_err().to_string();
        assert!(text.contains("a whole number from 1 to 20"), "{text}");
        assert!(!environment.number::<u32>("LINES", 1..=20).unwrap_err().to_string().contains('\n'));
    }

    #[test]
    fn the_daemon_is_found_in_both_forms() {
        let address = "10.0.0.1:2000".parse().ok();
        assert_eq!(daemon_address("10.0.0.1:2000"), address);
        assert_eq!(daemon_address("tcp:10.0.0.2:2000 udp:10.0.0.1:2000"), address);
        assert_eq!(daemon_address("nowhere"), None);
    }
}
