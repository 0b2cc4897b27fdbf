//! Says in words how things are: is anything lost, where is it stuck, what is to be done.

use super::{Activity, FlowSnapshot, FunctionActivity};
use crate::catalogue::Stage;
use crate::words::{ago, count, counted, duration, percent, until};
use spillway_core::ids::Fingerprint;

/// How serious something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// As it should be.
    Ok,
    /// Somebody should look at it in business hours.
    Warn,
    /// Somebody should look at it now.
    Bad,
}

/// Where the evidence for a sentence is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The metrics of a stage.
    Metrics(Stage),
    /// The dead letters that wait, all or those with one fingerprint.
    DeadLetters(Option<Fingerprint>),
    /// The replays.
    Replays,
}

impl Target {
    /// The dashboard's path to it.
    pub fn path(&self) -> String {
        match self {
            Self::Metrics(stage) => format!("/metrics/{}", stage.slug()),
            Self::DeadLetters(None) => "/dead-letters".to_owned(),
            Self::DeadLetters(Some(fingerprint)) => format!("/dead-letters?fingerprint={fingerprint}"),
            Self::Replays => "/replays".to_owned(),
        }
    }
}

/// One thing to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// How serious it is.
    pub state: State,
    /// What is so, with the number that proves it.
    pub text: String,
    /// What to do about it, if anything.
    pub todo: Option<String>,
    /// Where the evidence is.
    pub target: Target,
}

impl Sentence {
    fn new(state: State, text: impl Into<String>, target: Target) -> Self {
        Self { state, text: text.into(), todo: None, target }
    }

    fn todo(self, todo: impl Into<String>) -> Self {
        Self { todo: Some(todo.into()), ..self }
    }
}

/// The most serious state among sentences.
pub fn overall(sentences: &[Sentence]) -> State {
    sentences.iter().map(|sentence| sentence.state).max().unwrap_or(State::Ok)
}

/// Says how things are. The first sentence says whether anything is lost; what follows is the most serious first. When
/// all is well there is only the first.
pub fn summary(flow: &FlowSnapshot) -> Vec<Sentence> {
    let mut rest: Vec<Sentence> =
        [dead_lettered(flow), dlq_stuck(flow), countdown(flow), queue(flow)].into_iter().flatten().collect();
    if let Some(activity) = &flow.activity {
        rest.extend(table(activity, flow));
        rest.extend(api(activity));
        let functions = [
            (Stage::Ingest, &activity.ingest),
            (Stage::Consumer, &activity.consumer),
            (Stage::Archiver, &activity.archiver),
        ];
        rest.extend(functions.into_iter().filter_map(|(stage, of)| function(stage, of, activity)));
    }
    rest.extend(replaying(flow));
    rest.extend(stale(flow));
    // The sort keeps the order of those that are equally serious: nearest to a loss first.
    rest.sort_by_key(|sentence| std::cmp::Reverse(sentence.state));
    rest.insert(0, accounted(flow));
    rest
}

fn accounted(flow: &FlowSnapshot) -> Sentence {
    let accepted = flow.ledger.accepted;
    let unaccounted = flow.ledger.unaccounted();
    let target = Target::Metrics(Stage::Queue);
    if unaccounted > 0 {
        let lost = unaccounted.unsigned_abs();
        let are = if lost == 1 { "is" } else { "are" };
        let text = format!(
            "{} of {} accepted {are} unaccounted for.",
            counted(lost, "event", "events"),
            count(accepted)
        );
        return Sentence::new(State::Bad, text, target).todo(
            "Purge nothing and keep the data as it is. Messages older than the queue's retention are lost; \
             otherwise this is a fault in Spillway: look into the log of the time at which the number rose.",
        );
    }
    if unaccounted < 0 {
        let extra = unaccounted.unsigned_abs();
        let text = format!(
            "The ledger finds {} more than the {} accepted.",
            counted(extra, "event", "events"),
            count(accepted)
        );
        return Sentence::new(State::Bad, text, target)
            .todo("No event is missing, but some are counted twice. This is a fault in Spillway: keep the data as it is.");
    }
    match accepted {
        0 => Sentence::new(State::Ok, "No events have been accepted yet.", Target::Metrics(Stage::Api)),
        1 => Sentence::new(State::Ok, "The one event accepted is accounted for.", target),
        _ => Sentence::new(
            State::Ok,
            format!("All {} events accepted are accounted for.", count(accepted)),
            target,
        ),
    }
}

fn dead_lettered(flow: &FlowSnapshot) -> Option<Sentence> {
    let waiting = flow.ledger.dead_lettered();
    if waiting == 0 {
        return None;
    }
    let are = if waiting == 1 { "is" } else { "are" };
    let mut text = format!("{} {are} dead-lettered", count(waiting));
    if let Some(newest) = flow.newest_dead_letter_at() {
        let which = if waiting == 1 { "" } else { "the newest " };
        text += &format!(", {which}{}", ago(newest, flow.at));
    }
    text += ".";
    let Some(largest) = flow.groups.first() else {
        return Some(Sentence::new(State::Warn, text, Target::DeadLetters(None)));
    };
    if flow.groups.len() == 1 && largest.count == waiting {
        text += if waiting == 1 { " The reason: " } else { " All for the same reason: " };
        text += &format!("{}.", largest.message.trim_end_matches('.'));
    } else {
        text += &format!(
            " Most, {}, for this reason: {}.",
            count(largest.count),
            largest.message.trim_end_matches('.')
        );
    }
    let todo = if largest.class.is_retryable() {
        "Once the table takes writes again, replay them."
    } else {
        "Trying again can't help until the cause is mended. Mend it, then replay them."
    };
    let fingerprint = (flow.groups.len() == 1).then(|| largest.fingerprint.clone());
    Some(Sentence::new(State::Warn, text, Target::DeadLetters(fingerprint)).todo(todo))
}

/// Days before a loss from which on somebody should look now.
const LOSS_IS_NEAR_S: i64 = 3 * 86_400;

/// The archiver takes dead letters within seconds. After this many it does not.
const DLQ_STUCK_AFTER_S: u64 = 300;

fn dlq_stuck(flow: &FlowSnapshot) -> Option<Sentence> {
    // SQS's age may leave out just the messages that are stuck, so failures of the archiver count as well.
    let fails = flow.activity.as_ref().is_some_and(|activity| activity.archiver.errors > 0.0);
    let old = flow.dlq.oldest_age_s >= DLQ_STUCK_AFTER_S || flow.dlq.received_at_least(3) > 0;
    if flow.dlq.is_empty() || !(fails || old) {
        return None;
    }
    let (waits, takes) = if flow.dlq.len() == 1 { ("waits", "it") } else { ("wait", "them") };
    let mut text = format!(
        "{} {waits} in the dead letter queue and the archiver does not take {takes}.",
        counted(flow.dlq.len(), "dead letter", "dead letters")
    );
    let mut state = State::Warn;
    if let Some(loss) = flow.first_loss_at() {
        if loss.as_second() - flow.at.as_second() < LOSS_IS_NEAR_S {
            state = State::Bad;
        }
        text += &format!(" The first is lost {} unless it is archived.", until(loss, flow.at));
    }
    let target = Target::Metrics(Stage::Archiver);
    Some(
        Sentence::new(state, text, target)
            .todo("Look into the archiver's errors; it takes them as soon as it works."),
    )
}

/// Seconds before the first dead letter from which on somebody should look now.
const DEAD_LETTER_IS_NEAR_S: i64 = 15 * 60;

fn countdown(flow: &FlowSnapshot) -> Option<Sentence> {
    let countdown = flow.countdown();
    if countdown.messages == 0 {
        return None;
    }
    let (are, them) = if countdown.messages == 1 { ("is", "it") } else { ("are", "the first") };
    let mut text = format!(
        "{} {are} at attempt {} or more of {}",
        counted(countdown.messages, "event", "events"),
        countdown.from_attempt,
        countdown.max_receive_count
    );
    let mut state = State::Warn;
    if let Some(first) = countdown.first_at {
        text += &format!("; {them} is dead-lettered {}", until(first, flow.at));
        if first.as_second() - flow.at.as_second() < DEAD_LETTER_IS_NEAR_S {
            state = State::Bad;
        }
    }
    text += ".";
    Some(Sentence::new(state, text, Target::Metrics(Stage::Consumer)).todo(
        "Find out why storing fails. If it is mended before then they are stored by themselves; if not, they can be \
         replayed.",
    ))
}

/// An event that waits so long needs somebody in business hours, or now.
const AGE_WARN_S: i64 = 5 * 60;
const AGE_BAD_S: i64 = 60 * 60;
/// Messages that can be received and are not, after so many seconds, have no receiver.
const UNRECEIVED_S: i64 = 60;

fn queue(flow: &FlowSnapshot) -> Option<Sentence> {
    let age = flow.oldest_age_s()?;
    if flow.queue.is_empty() {
        return None;
    }
    let waiting = counted(flow.queue.len(), "event", "events");
    let wait = if flow.queue.len() == 1 { "waits" } else { "wait" };
    let target = Target::Metrics(Stage::Queue);
    let nobody = flow.activity.as_ref().is_some_and(|activity| activity.queue.received == 0.0);
    if nobody && flow.queue.visible > 0 && age >= UNRECEIVED_S {
        let text =
            format!("{waiting} {wait} in the queue and nobody receives, the oldest for {}.", duration(age));
        return Some(
            Sentence::new(State::Bad, text, target)
                .todo("Check that the consumer runs and that its connection to the queue is switched on."),
        );
    }
    if age < AGE_WARN_S {
        return None;
    }
    let state = if age >= AGE_BAD_S { State::Bad } else { State::Warn };
    let mut text = format!("{waiting} {wait} to be stored, the oldest for {}", duration(age));
    if flow.queue.not_visible > flow.queue.visible {
        text += "; most have failed and wait for their next attempt";
    }
    text += ".";
    Some(
        Sentence::new(state, text, target)
            .todo("Look at the consumer and the table: storing fails or is too slow."),
    )
}

/// From this use of the capacity on, bursts are throttled.
const CAPACITY_NEAR: f64 = 80.0;

fn table(activity: &Activity, flow: &FlowSnapshot) -> Option<Sentence> {
    let of = &activity.table;
    let (refused, all) = (of.throttled + of.failed, of.writes + of.throttled + of.failed);
    let target = Target::Metrics(Stage::Table);
    let minutes = minutes(activity);
    if of.is_down() {
        let why = match (of.failed > 0.0, of.throttled > 0.0) {
            (true, false) => "fails every write",
            (false, true) => "throttles every write",
            _ => "refuses every write",
        };
        let text = format!(
            "The table {why}: {} in the last {minutes}. Accepted events are kept in the queue and tried again.",
            counted(refused as u64, "write", "writes")
        );
        let span = if flow.countdown().messages == 0 {
            "Events that can't be stored are dead-lettered after some hours, and can be replayed then."
        } else {
            "Events that are dead-lettered meanwhile can be replayed when it is back."
        };
        return Some(Sentence::new(State::Bad, text, target).todo(format!("Bring the table back. {span}")));
    }
    if refused > 0.0 && 100.0 * refused / all >= 2.0 {
        let (verb, todo) = if of.throttled >= of.failed {
            (
                "throttles",
                "Raise its write capacity, or wait if it is a burst: throttled events are tried again.",
            )
        } else {
            ("fails", "Look at the table service's health; the events are tried again.")
        };
        let share = percent(100.0 * refused / all);
        let text = format!(
            "The table {verb} {share} of the writes ({} in the last {minutes}).",
            count(refused as u64)
        );
        return Some(Sentence::new(State::Warn, text, target).todo(todo));
    }
    let used = of.capacity_use.filter(|used| *used >= CAPACITY_NEAR)?;
    let text = format!("The table uses {} of its write capacity.", percent(used));
    Some(Sentence::new(State::Warn, text, target).todo("Raise its write capacity before it throttles."))
}

/// Below so many requests one error would be many percent.
const FEWEST_REQUESTS: f64 = 10.0;

fn api(activity: &Activity) -> Option<Sentence> {
    let of = &activity.api;
    if of.requests < FEWEST_REQUESTS {
        return None;
    }
    let share = 100.0 * of.server_errors / of.requests;
    if share < 1.0 {
        return None;
    }
    let state = if share >= 5.0 { State::Bad } else { State::Warn };
    let text = format!(
        "{} of the requests are refused with a server error. Their events were not accepted; clients have to send them again.",
        percent(share)
    );
    let todo = "Look at the ingest function and the queue: the API refuses what the queue can't take.";
    Some(Sentence::new(state, text, Target::Metrics(Stage::Api)).todo(todo))
}

fn function(stage: Stage, of: &FunctionActivity, activity: &Activity) -> Option<Sentence> {
    let name = match stage {
        Stage::Ingest => "ingest function",
        Stage::Archiver => "archiver",
        _ => "consumer",
    };
    let minutes = minutes(activity);
    let target = Target::Metrics(stage);
    if of.errors > 0.0 && 100.0 * of.errors / of.invocations.max(of.errors) >= 1.0 {
        let state =
            if of.errors >= of.invocations && stage != Stage::Archiver { State::Bad } else { State::Warn };
        let text = format!(
            "The {name} ended without an answer in {} of {} invocations in the last {minutes}.",
            count(of.errors as u64),
            count(of.invocations.max(of.errors) as u64)
        );
        let todo = match stage {
            Stage::Ingest => "Look into its log. The clients got an error and have to send again.",
            _ => {
                "Look into its log. Its messages become visible again by themselves, with a higher receive count."
            }
        };
        return Some(Sentence::new(state, text, target).todo(todo));
    }
    if of.throttles > 0.0 {
        let text = format!(
            "The {name} was throttled {} in the last {minutes}.",
            counted(of.throttles as u64, "time", "times")
        );
        return Some(Sentence::new(State::Warn, text, target).todo("Raise how many of it may run at once."));
    }
    None
}

fn replaying(flow: &FlowSnapshot) -> Option<Sentence> {
    let replaying = flow.ledger.replaying;
    let are = if replaying == 1 { "is" } else { "are" };
    let text = format!("{} {are} being replayed.", counted(replaying, "dead letter", "dead letters"));
    (replaying > 0).then(|| Sentence::new(State::Ok, text, Target::Replays))
}

fn stale(flow: &FlowSnapshot) -> Option<Sentence> {
    let trouble = flow.freshness.trouble.as_ref()?;
    let reason = trouble.to_string();
    let reason = reason.trim_end_matches('.');
    let text = match &flow.activity {
        Some(_) => format!("Rates and errors are from {}: {reason}.", ago(flow.freshness.read_at, flow.at)),
        None => format!("Rates and errors are not known: {reason}."),
    };
    Some(
        Sentence::new(State::Warn, text, Target::Metrics(Stage::Api))
            .todo("The ledger and the queues above are current; this is tried again by itself."),
    )
}

fn minutes(activity: &Activity) -> String {
    format!("{:.0} min", (activity.window_s / 60.0).ceil())
}

#[cfg(test)]
mod tests;
