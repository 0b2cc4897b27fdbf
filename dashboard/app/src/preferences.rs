//! A reader's preferences, in cookies, so that the server applies them to the first answer.

use jiff::tz::TimeZone;
use serde::Deserialize;

const THEME: &str = "spillway-theme";
const TIMES: &str = "spillway-times";
const ZONE: &str = "spillway-zone";
const LIVE: &str = "spillway-live";
const YEAR_S: u32 = 31_536_000;

/// Light or dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Theme {
    /// As the reader's operating system.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// All of them, in the order of the menu.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// The value in cookie, form and `data-theme`.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// The zone of displayed times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Times {
    /// UTC, as AWS's own consoles and logs have it.
    #[default]
    Utc,
    /// The reader's.
    Local,
}

impl Times {
    /// The value in cookie, form and `data-times`.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// A reader's preferences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preferences {
    /// Light or dark.
    pub theme: Theme,
    /// UTC or local.
    pub times: Times,
    /// Whether pages refresh automatically.
    pub live: bool,
    /// The browser's zone, if the browser has sent it.
    pub zone_name: Option<String>,
}

impl Default for Preferences {
    fn default() -> Self {
        Self { theme: Theme::default(), times: Times::default(), live: true, zone_name: None }
    }
}

impl Preferences {
    /// Reads a `Cookie` header. Missing and invalid values take their default.
    pub fn from_cookies(header: &str) -> Self {
        let mut preferences = Self::default();
        for (name, value) in header.split(';').filter_map(|pair| pair.trim().split_once('=')) {
            match (name, value) {
                (THEME, "light") => preferences.theme = Theme::Light,
                (THEME, "dark") => preferences.theme = Theme::Dark,
                (TIMES, "local") => preferences.times = Times::Local,
                (LIVE, "off") => preferences.live = false,
                (ZONE, zone) => preferences.zone_name = Some(zone.to_owned()),
                _ => {}
            }
        }
        preferences
    }

    /// The zone of displayed times. A browser that has not sent its zone, for example without JavaScript, gets the zone
    /// of this machine.
    pub fn zone(&self) -> TimeZone {
        match self.times {
            Times::Utc => TimeZone::UTC,
            Times::Local => {
                let known = self.zone_name.as_deref().and_then(|name| TimeZone::get(name).ok());
                known.unwrap_or_else(TimeZone::system)
            }
        }
    }
}

/// Preferences that a form may change, one or several at once.
#[derive(Debug, Default, Deserialize)]
pub struct Change {
    /// The new theme.
    pub theme: Option<Theme>,
    /// The new zone.
    pub times: Option<Times>,
    /// `on` or `off`.
    pub live: Option<Switch>,
}

/// The new state of a switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Switch {
    /// On.
    On,
    /// Off.
    Off,
}

impl Change {
    /// The `Set-Cookie` values that store the change for a year.
    pub fn cookies(&self) -> Vec<String> {
        let live = self.live.map(|live| if live == Switch::On { "on" } else { "off" });
        let changed =
            [(THEME, self.theme.map(Theme::name)), (TIMES, self.times.map(Times::name)), (LIVE, live)];
        changed
            .into_iter()
            .filter_map(|(name, value)| {
                Some(format!("{name}={}; Path=/; Max-Age={YEAR_S}; SameSite=Strict", value?))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_read_and_invalid_ones_are_ignored() {
        let read = Preferences::from_cookies(
            "other=1; spillway-theme=dark;spillway-times=local; spillway-live=off; spillway-zone=Europe/Berlin; =; x",
        );
        assert_eq!(
            read,
            Preferences {
                theme: Theme::Dark,
                times: Times::Local,
                live: false,
                zone_name: Some("Europe/Berlin".to_owned())
            }
        );
        assert_eq!(
            Preferences::from_cookies("spillway-theme=puce; spillway-live=maybe"),
            Preferences::default()
        );
    }

    #[test]
    fn times_are_utc_until_local_is_chosen() {
        let berlin = Preferences::from_cookies("spillway-zone=Europe/Berlin");
        assert_eq!(berlin.zone().iana_name(), Some("UTC"));
        let local = Preferences { times: Times::Local, ..berlin };
        assert_eq!(local.zone().iana_name(), Some("Europe/Berlin"));
        let nonsense = Preferences { zone_name: Some("../../etc/passwd".to_owned()), ..local };
        assert_eq!(nonsense.zone(), TimeZone::system());
    }

    #[test]
    fn a_change_sets_only_changed_cookies() {
        let change = Change { theme: Some(Theme::Dark), ..Change::default() };
        assert_eq!(change.cookies(), ["spillway-theme=dark; Path=/; Max-Age=31536000; SameSite=Strict"]);
        assert!(Change::default().cookies().is_empty());
    }
}
