//! Sentences about the machine.

use super::{Sentence, State, Target};
use crate::catalogue::Stage;
use crate::flow::{DiskTrouble, FlowSnapshot, Phrase};
use crate::words::{ago, quoted};
use spillway_dashboard_words::duration;

/// Why nothing can be written, without a full stop.
pub(in crate::flow) fn disk_trouble(flow: &FlowSnapshot) -> Option<String> {
    Some(match flow.host.disk.as_ref()? {
        DiskTrouble::Full => "The disk of the data folder is full".to_owned(),
        DiskTrouble::NotWritable(reason) => format!("The data folder cannot be written ({})", quoted(reason)),
    })
}

/// The headline while nothing can be written: what is wrong, then where the events are.
pub(in crate::flow) fn disk(flow: &FlowSnapshot, accounted: &Sentence) -> Option<Sentence> {
    let what = disk_trouble(flow)?;
    let mut text = Phrase::new(format!("{what}: no event can be accepted or stored. "));
    text.0.extend(accounted.text.0.clone());
    let todo = accounted.todo.clone().unwrap_or_else(|| {
        "Free space, or make the folder writable. Spillway continues without a restart. Until then alarms and sessions \
         are kept in memory."
            .to_owned()
    });
    Some(Sentence::new(State::Bad, text, Target::Metrics(Stage::Api)).todo(todo))
}

/// How long a jump is mentioned.
const JUMP_IS_NEWS_S: i64 = 24 * 3600;

pub(in crate::flow) fn clock(flow: &FlowSnapshot) -> Option<Sentence> {
    let jump = flow.host.clock?;
    let age = flow.at.as_second() - jump.at.as_second();
    if !(0..JUMP_IS_NEWS_S).contains(&age) {
        return None;
    }
    let direction = if jump.by.is_negative() { "back" } else { "forward" };
    let text = format!(
        "The machine's clock went {direction} by {}, {}.",
        duration(jump.by.abs().as_secs_f64()),
        ago(jump.at, flow.at)
    );
    Some(
        Sentence::new(State::Warn, text, Target::Metrics(Stage::Queue))
            .todo("Waiting messages keep their waits and ages. Charts and times from before may be wrong. Check how the clock is set."),
    )
}
