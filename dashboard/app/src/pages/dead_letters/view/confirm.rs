//! The confirmation pages behind “Replay…” and “Discard…”.

use crate::{
    components::{Badge, DataTable, StatusSentence, Tone, phrase},
    context::use_page,
    error::LONGEST_REASON,
    links,
    pages::dead_letters::{
        actions::{DISCARD, REPLAY},
        data::{Chosen, LISTED, Selection, caveats},
    },
    words::{MAX_FAILURE, class_label, event_names},
};
use leptos::prelude::*;
use spillway_core::dead_letter::DeadLetter;
use spillway_core::failure::shortened;
use spillway_dashboard_model::flow::{Passage, ReplayPath};
use spillway_dashboard_words::{counted, duration, grouped};

/// Maximum number of reasons that are listed.
const REASONS: usize = 10;

/// The page to return to.
pub(in crate::pages::dead_letters) fn origin() -> String {
    let page = use_page();
    links::way_back(page.parameter("back").unwrap_or_default()).to_owned()
}

/// The form that starts a replay, with the expected result.
pub(in crate::pages::dead_letters) fn replay_form(chosen: &Chosen, path: &ReplayPath, rate: f64) -> AnyView {
    let preflight = &chosen.preflight;
    let failing = preflight.failing();
    let warning = (failing > 0).then(|| {
        let reasons = preflight
            .reasons
            .iter()
            .take(REASONS)
            .map(|(reason, count)| {
                let messages = counted(*count, "message", "messages");
                view! { <li>{messages} ": " <span class="mono">{shortened(reason, MAX_FAILURE)}</span></li> }
            })
            .collect_view();
        let others: u64 = preflight.reasons.iter().skip(REASONS).map(|(_, count)| count).sum();
        let others = (others > 0).then(|| {
            let messages = counted(others, "message", "messages");
            view! { <li class="quiet">{format!("{messages} for other reasons")}</li> }
        });
        view! {
            <ul class="dl-reasons">{reasons}{others}</ul>
            <p>
                "First fix the cause, such as the schema. A message that fails again returns to the archive. No event is lost."
            </p>
        }
    });
    let caveats = caveats(&chosen.letters).into_iter().map(|text| view! { <p>{text}</p> }).collect_view();
    let seconds = chosen.waiting as f64 / rate.max(0.1);
    let pace = if seconds < 2.0 {
        "They go back to the queue at once".to_owned()
    } else {
        format!(
            "They go back to the queue at up to {} a second, which takes {}",
            grouped(rate as u64),
            duration(seconds)
        )
    };
    let pace = if chosen.waiting == 1 { "It goes back to the queue at once".to_owned() } else { pace };
    // Only if all messages were checked: the result of the others is unknown.
    let only_passing =
        (failing > 0 && preflight.passing() > 0 && preflight.checked == preflight.total).then(|| {
            let text = match preflight.passing() {
                1 => "Replay only the 1 that passes".to_owned(),
                count => format!("Replay only the {} that pass", grouped(count)),
            };
            view! { <button class="button primary" name="passing" value="true">{text}</button> }
        });
    let is_open = path.passage == Passage::Open;
    let class = if failing == 0 && is_open { "button primary" } else { "button" };
    // Checks that pass are no good news while nothing gets through.
    let tone = if is_open || failing > 0 { preflight.tone() } else { Tone::Neutral };
    let sentence = preflight.sentence();
    let path_tone = match path.passage {
        Passage::Open => Tone::Good,
        Passage::Doubtful => Tone::Warning,
        Passage::Closed => Tone::Bad,
    };
    let path_sentence = phrase(&path.sentence());
    let insist = (path.passage == Passage::Closed).then(|| {
        view! {
            <label class="check">
                <input type="checkbox" name="anyway" value="true" required />
                " Replay all the same: each message is retried until it is stored, or fails 20 times"
            </label>
        }
    });
    view! {
        <StatusSentence tone=path_tone>{path_sentence}</StatusSentence>
        <StatusSentence tone=tone>{sentence}</StatusSentence>
        <div class="stack dl-confirm">
            {warning}
            {caveats}
            {left_out(chosen)}
            <p class="quiet">
                {pace}
                ". The replay ends when each event is stored or back in the archive. The store stores each event only once."
            </p>
            <form method="post" action=REPLAY class="row">
                {hidden(chosen)}
                {insist}
                {only_passing}
                <button class=class>{format!("Replay {}", chosen.messages())}</button>
                <a class="button" href=origin()>"Cancel"</a>
            </form>
        </div>
        {messages(chosen, true)}
    }
    .into_any()
}

pub(in crate::pages::dead_letters) fn discard_form(chosen: &Chosen) -> AnyView {
    let sentence = format!("{} will be discarded. This can be undone.", chosen.messages());
    view! {
        <StatusSentence tone=Tone::Warning>{sentence}</StatusSentence>
        <div class="stack dl-confirm">
            {left_out(chosen)}
            <form method="post" action=DISCARD class="stack">
                {hidden(chosen)}
                <input type="hidden" name="back" value=origin() />
                <label class="label">
                    <span>"Reason, for the audit log"</span>
                    <textarea class="field" name="reason" rows="3" required maxlength=LONGEST_REASON.to_string() data-keep=""></textarea>
                </label>
                <div class="row">
                    <button class="button danger">{format!("Discard {}", chosen.messages())}</button>
                    <a class="button" href=origin()>"Cancel"</a>
                </div>
            </form>
        </div>
        {messages(chosen, false)}
    }
    .into_any()
}

fn left_out(chosen: &Chosen) -> Option<impl IntoView + use<>> {
    (chosen.left_out > 0).then(|| {
        let text = match chosen.left_out {
            1 => "1 of the selected messages is no longer in the archive, and is left out.".to_owned(),
            count => {
                format!(
                    "{} of the selected messages are no longer in the archive, and are left out.",
                    grouped(count)
                )
            }
        };
        view! { <p class="quiet">{text}</p> }
    })
}

/// Hidden fields with the selection.
fn hidden(chosen: &Chosen) -> AnyView {
    let first = chosen.letters.first().map(|letter| letter.id.to_string());
    let what = match &chosen.selection {
        Some(Selection::Matching(filters)) => {
            view! { <input type="hidden" name="matching" value=filters.to_query() /> }.into_any()
        }
        _ => chosen
            .letters
            .iter()
            .map(|letter| view! { <input type="hidden" name="ids[]" value=letter.id.to_string() /> })
            .collect_view()
            .into_any(),
    };
    view! {
        {what}
        <input type="hidden" name="first" value=first />
    }
    .into_any()
}

fn messages(chosen: &Chosen, with_forecast: bool) -> AnyView {
    let rows = chosen
        .letters
        .iter()
        .take(LISTED)
        .map(|letter| {
            let forecast = with_forecast.then(|| chosen.forecasts.get(&letter.id)).flatten().map(|would_fail| {
                match would_fail {
                    Some(reason) => view! { <td class="wide"><Badge tone=Tone::Bad text="would fail again" /> " " <span class="mono">{shortened(&reason.message, MAX_FAILURE)}</span></td> },
                    None => view! { <td class="wide"><Badge tone=Tone::Good text="passes the checks" /> " " <span class="mono">{String::new()}</span></td> },
                }
            });
            row(letter, forecast.into_any())
        })
        .collect_view();
    let rest = chosen.waiting.saturating_sub(LISTED as u64);
    let rest = (rest > 0).then(|| view! { <p class="quiet">{format!("And {} more.", grouped(rest))}</p> });
    let now = with_forecast.then(|| view! { <th scope="col" class="wide">"Now"</th> });
    let head = view! {
        <th scope="col">"Event"</th>
        <th scope="col">"Failed because"</th>
        {now}
    };
    view! {
        <section class="section" aria-labelledby="dl-chosen">
            <h2 id="dl-chosen">"Messages"</h2>
            <DataTable label="Messages" table_class="table dl-table" head=head.into_any()>{rows}</DataTable>
            {rest}
        </section>
    }
    .into_any()
}

fn row(letter: &DeadLetter, forecast: AnyView) -> AnyView {
    let (name, event) = event_names(letter);
    let failure = letter.last_failure().map_or("not known", |failure| class_label(failure.class));
    view! {
        <tr data-row="" data-key=letter.id.to_string() tabindex="-1">
            <td class="dl-event">
                <a href=links::dead_letter(&letter.id, "")>{name}</a>
                <span class="mono quiet small dl-id">{event}</span>
            </td>
            <td class="dl-why">{failure}</td>
            {forecast}
        </tr>
    }
    .into_any()
}
