//! Selects the dead letters that a command works on.

use crate::answer::CommandError;
use crate::backend::Backend;
use crate::values::{self, When};
use clap::Args;
use spillway_core::Timestamp;
use spillway_core::dead_letter::{DeadLetterFilter, DeadLetterStatus};
use spillway_core::failure::FailureClass;
use spillway_core::ids::{Fingerprint, MessageId};

/// Filters; a dead letter has to match all that are given.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Filters")]
pub struct Filters {
    /// Only events of this type
    #[arg(long = "type", value_name = "TYPE", value_parser = values::some_text)]
    event_type: Option<String>,
    /// Only dead letters with this class of failure, such as schema or store_throttled
    #[arg(long, value_parser = class)]
    class: Option<FailureClass>,
    /// Only dead letters whose failure message, event id or own id contains this text, in any letter case
    #[arg(long, value_name = "TEXT", value_parser = values::some_text)]
    contains: Option<String>,
    /// Only dead letters of this group, by its fingerprint
    #[arg(long, value_name = "FINGERPRINT", value_parser = fingerprint)]
    group: Option<Fingerprint>,
    /// Only dead letters archived since then: 2h for two hours ago, or 2026-01-31T08:00:00Z
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    since: Option<When>,
    /// Only dead letters archived before then
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    until: Option<When>,
}

fn fingerprint(text: &str) -> Result<Fingerprint, String> {
    let is_one = text.len() == 16 && text.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'));
    match is_one {
        true => Ok(Fingerprint::new(text)),
        false => Err(format!(
            "\"{text}\" is not a fingerprint of sixteen hexadecimal digits: see spillway dlq list"
        )),
    }
}

fn class(text: &str) -> Result<FailureClass, String> {
    FailureClass::parse(text).ok_or_else(|| {
        let known: Vec<_> = FailureClass::ALL.iter().map(|class| class.as_str()).collect();
        format!("\"{text}\" is not a class of failure; the classes are {}", known.join(", "))
    })
}

impl Filters {
    /// Whether no filter is given.
    fn is_empty(&self) -> bool {
        let Self { event_type, class, contains, group, since, until } = self;
        event_type.is_none()
            && class.is_none()
            && contains.is_none()
            && group.is_none()
            && since.is_none()
            && until.is_none()
    }

    /// The filter, for dead letters in these states (empty: all).
    pub fn filter(&self, states: &[DeadLetterStatus], now: Timestamp) -> DeadLetterFilter {
        DeadLetterFilter {
            states: states.to_vec(),
            event_type: self.event_type.clone(),
            class: self.class,
            fingerprint: self.group.clone(),
            contains: self.contains.clone(),
            from: self.since.map(|since| since.resolve(now)),
            to: self.until.map(|until| until.resolve(now)),
        }
    }
}

/// Dead letters to act on: by id, or by filters, or all of them.
#[derive(Clone, Debug, Default, Args)]
pub struct Selection {
    /// Dead letters, by their own id or by that of their event
    #[arg(value_name = "ID", value_parser = values::some_text)]
    ids: Vec<String>,
    /// Every dead letter that the command works on
    #[arg(long, conflicts_with = "ids")]
    all: bool,
    #[command(flatten)]
    filters: Filters,
}

/// The result of a selection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selected {
    /// The dead letters.
    pub ids: Vec<MessageId>,
    /// Whether each was named by id. Then the operator cannot have selected more than intended.
    pub named: bool,
}

impl Selection {
    /// The dead letters: those that are named, or those in this state that match the filters.
    pub async fn resolve(&self, state: DeadLetterStatus, backend: &Backend) -> anyhow::Result<Selected> {
        if !self.ids.is_empty() {
            if !self.filters.is_empty() {
                let what = "name dead letters by id or choose them by filters, not both";
                return Err(CommandError::Usage(what.to_owned()).into());
            }
            let ids = backend.dead_letter_ids(&self.ids).await?;
            return Ok(Selected { ids, named: true });
        }
        if !self.all && self.filters.is_empty() {
            let what = "no dead letters were named: add ids, a filter such as --group FINGERPRINT, or --all";
            return Err(CommandError::Usage(what.to_owned()).into());
        }
        let filter = self.filters.filter(&[state], backend.pipeline.clock.now());
        // More than any archive on one machine has, and still a number that SQL accepts.
        let ids = backend.pipeline.archive.ids(&filter, 100_000_000).await?;
        Ok(Selected { ids, named: false })
    }
}
