//! The digest as a mail or a chat message.

use crate::charts;
use crate::overlaps::Fired;
use crate::overnight::short;
use crate::watch::Watch;
use jiff::tz::TimeZone;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use spillway_alerts::RuleName;
use spillway_alerts::hours::{Digest, DigestEntry};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Longest subject that SNS takes.
const LONGEST_SUBJECT: usize = 100;
/// Entries that are listed one by one. SNS accepts 256 KB, and no engineer reads more than this.
const MAX_ENTRIES: usize = 100;
/// Rules that are explained.
const MAX_RULES: usize = 40;
const IN_QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');

/// What the mail is about, in ASCII.
pub(crate) fn subject(deployment: &str, digest: &Digest) -> String {
    let (now, cleared) = (digest.still_in_alarm.len(), digest.cleared.len());
    let mut subject = format!("{deployment}: {now} low alarms now, {cleared} fired and cleared while closed");
    subject.truncate(LONGEST_SUBJECT);
    subject
}

/// What happened, then what each rule means and where to look.
pub(crate) fn body(
    watch: &Watch,
    digest: &Digest,
    zone: &TimeZone,
    pictures: &BTreeMap<String, String>,
) -> String {
    let (shown, left_out) = shortened(digest);
    let mut text = shown.text(zone);
    if left_out > 0 {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  and {left_out} more");
    }
    let mut rules: Vec<&RuleName> = Vec::new();
    for entry in digest.still_in_alarm.iter().chain(&digest.cleared) {
        if !rules.contains(&&entry.rule) {
            rules.push(&entry.rule);
        }
    }
    for name in rules.into_iter().take(MAX_RULES) {
        explain(&mut text, watch, digest, name, pictures.get(name.as_str()));
    }
    if let Some(url) = &watch.dashboard_url {
        let _ = writeln!(text, "\nAll alarms: {url}/alarms");
    }
    text
}

/// The digest with at most as many entries as the mail lists. Active alarms come before cleared ones, and newer
/// before older.
fn shortened(digest: &Digest) -> (Digest, usize) {
    let mut shown = digest.clone();
    let newest_first =
        |entries: &mut Vec<DigestEntry>| entries.sort_by_key(|entry| std::cmp::Reverse(entry.from));
    newest_first(&mut shown.still_in_alarm);
    newest_first(&mut shown.cleared);
    let all = shown.still_in_alarm.len() + shown.cleared.len();
    shown.still_in_alarm.truncate(MAX_ENTRIES);
    shown.cleared.truncate(MAX_ENTRIES - shown.still_in_alarm.len());
    let left_out = all - shown.still_in_alarm.len() - shown.cleared.len();
    (shown, left_out)
}

/// What the mail about the switch of business hours is about, in ASCII.
pub(crate) fn switch_subject(deployment: &str) -> String {
    let mut subject = format!("{deployment}: low alarms are silent although business hours have begun");
    subject.truncate(LONGEST_SUBJECT);
    subject
}

/// What is wrong with the switch, and what to do.
pub(crate) fn switch_body(alarm: &str) -> String {
    format!(
        "The alarm {alarm} is still in ALARM, so it suppresses the notifications of all low alarms. A schedule should \
         have set it to OK at the opening.\n\nLook in EventBridge Scheduler at the schedules whose names begin as the \
         alarm's does, and at their role and key. To hear of low alarms now:\n  aws cloudwatch set-alarm-state \
         --alarm-name {alarm} --state-value OK --state-reason \"by hand\"\n"
    )
}

/// What some alarms that fired within hours are about, in ASCII.
pub(crate) fn overlaps_subject(deployment: &str, fired: &[Fired<'_>]) -> String {
    let mut subject = match fired {
        [one] => format!("{deployment}: {} too", one.rule.name),
        more => format!("{deployment}: {} more low alarms", more.len()),
    };
    subject.truncate(LONGEST_SUBJECT);
    subject
}

/// Which alarms they are, what each means and where to look.
pub(crate) fn overlaps_body(watch: &Watch, fired: &[Fired<'_>], zone: &TimeZone) -> String {
    let mut text = String::from(
        "Low-priority alarms that fired while another one of the same part of the system was on. That part's \
         composite alarm reports only the first.\n",
    );
    for Fired { rule, change } in fired.iter().take(MAX_RULES) {
        let since = change.at.to_zoned(zone.clone()).strftime("%a %d %b %H:%M");
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "\n{}: {since} ({})\n  {} {}",
            rule.name,
            short(&change.reason),
            rule.summary,
            rule.impact
        );
        if let Some(url) = &watch.dashboard_url {
            let _ = writeln!(text, "  Alarm: {url}/alarms/{}", rule.name);
            let _ = writeln!(text, "  Runbook: {url}/runbooks/{}", rule.runbook);
        } else {
            let _ = writeln!(text, "  Runbook: {}", rule.runbook);
        }
    }
    if fired.len() > MAX_RULES {
        let _ = writeln!(text, "\nand {} more", fired.len() - MAX_RULES);
    }
    text
}

fn explain(text: &mut String, watch: &Watch, digest: &Digest, name: &RuleName, picture: Option<&String>) {
    let Some(rule) = watch.rules.get(name.as_str()) else { return };
    let _ = writeln!(text, "\n{name}\n  {} {}", rule.summary, rule.impact);
    if let Some(url) = &watch.dashboard_url {
        let entries = digest.still_in_alarm.iter().chain(&digest.cleared);
        let first = entries.filter(|entry| entry.rule == *name).map(|entry| entry.from).min();
        let range = first.and_then(|first| charts::range(first, digest.opened_at));
        let query = range.map_or_else(String::new, |range| {
            let time =
                |time: jiff::Timestamp| utf8_percent_encode(&format!("{time:.0}"), IN_QUERY).to_string();
            format!("?from={}&to={}", time(range.from()), time(range.to()))
        });
        let _ = writeln!(text, "  Alarm: {url}/alarms/{name}{query}");
        let _ = writeln!(text, "  Runbook: {url}/runbooks/{}", rule.runbook);
    } else {
        let _ = writeln!(text, "  Runbook: {}", rule.runbook);
    }
    if let Some(address) = picture {
        let _ = writeln!(text, "  Chart: {address}");
    }
}
