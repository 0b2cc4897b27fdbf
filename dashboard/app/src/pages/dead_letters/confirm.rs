//! What would be done, before it is done: the pages behind “Replay…” and “Discard…”.

use super::{
    actions::{DISCARD, LONGEST_REASON, REPLAY},
    filters::{Filters, Shown, href},
    outlook::{Outlook, caveats},
    unreadable,
    wanted::{Wanted, way_back},
    words::class_label,
};
use crate::{
    components::{Badge, EmptyState, FormError, StatusSentence, Title, Tone, load},
    context::{Page, use_page},
    format::{counted, duration, grouped},
};
use leptos::prelude::*;
use spillway_core::{
    dead_letter::{DeadLetter, DeadLetterState},
    ids::MessageId,
    ports::ArchiveError,
    settings::PipelineSettings,
    usecases::replay::Replayer,
};
use std::{collections::HashMap, sync::Arc};

/// Messages that are asked about; more would make the page slow, and tell nobody more.
const CHECKED: usize = 200;
/// Messages that are listed.
const LISTED: usize = 20;

/// What somebody chose, as it is now.
struct Chosen {
    wanted: Option<Wanted>,
    /// How many of them wait in the archive.
    waiting: u64,
    /// How many were chosen and do not wait any more.
    gone: u64,
    outlook: Outlook,
    /// Why each would fail again; `None` if it passes the checks.
    forecasts: HashMap<MessageId, Option<String>>,
    /// The newest of them.
    letters: Vec<DeadLetter>,
}

impl Chosen {
    async fn read(page: &Page, replayer: &Replayer) -> Result<Self, ArchiveError> {
        let wanted = Wanted::of(page);
        let (waiting, gone, letters): (u64, u64, Vec<DeadLetter>) = match &wanted {
            None => (0, 0, Vec::new()),
            Some(Wanted::These(ids)) => {
                let mut letters = Vec::new();
                for id in ids {
                    letters.extend(replayer.archive.get(id).await?);
                }
                letters.retain(|letter| letter.state == DeadLetterState::Archived);
                (letters.len() as u64, (ids.len() - letters.len()) as u64, letters)
            }
            Some(Wanted::Matching(filters)) => {
                let filters = Filters { shown: Shown::Waiting, ..filters.clone() };
                let list = replayer.archive.list(&filters.to_filter(), None, CHECKED).await?;
                (list.total, 0, list.items)
            }
        };
        let ids: Vec<MessageId> = letters.iter().take(CHECKED).map(|letter| letter.id.clone()).collect();
        let forecasts = replayer.preflight(&ids).await?;
        let outlook = Outlook::of(waiting, &forecasts);
        let forecasts = forecasts.into_iter().map(|forecast| (forecast.id, forecast.would_fail)).collect();
        Ok(Self { wanted, waiting, gone, outlook, forecasts, letters })
    }

    fn messages(&self) -> String {
        counted(self.waiting, "message", "messages")
    }
}

/// Before a replay: what would become of it.
#[component]
pub fn ReplayPage() -> impl IntoView {
    let rate = expect_context::<Arc<PipelineSettings>>().replay_rate_per_s;
    let content = chosen(move |chosen| replay_form(chosen, rate).into_any());
    view! {
        <Title text="Replay dead letters" />
        <FormError action=REPLAY />
        {content}
    }
}

/// Before a discard: what would be given up, and why.
#[component]
pub fn DiscardPage() -> impl IntoView {
    view! {
        <Title text="Discard dead letters" />
        <FormError action=DISCARD />
        {chosen(|chosen| discard_form(chosen).into_any())}
    }
}

fn chosen(draw: impl Fn(&Chosen) -> AnyView + Clone + Send + Sync + 'static) -> impl IntoView {
    let page = use_page();
    let replayer = expect_context::<Arc<Replayer>>();
    load(async move { Chosen::read(&page, &replayer).await }, move |read| match &*read {
        Err(error) => unreadable(error).into_any(),
        Ok(chosen) if chosen.wanted.is_none() => view! {
            <EmptyState title="No message was selected.">
                <a href=origin()>"Go back to the list"</a>
                " and tick those that you mean."
            </EmptyState>
        }
        .into_any(),
        Ok(chosen) if chosen.waiting == 0 => view! {
            <EmptyState title="None of these messages waits in the archive now.">
                "They were replayed or discarded meanwhile. "
                <a href=origin()>"Go back to the list"</a>
                "."
            </EmptyState>
        }
        .into_any(),
        Ok(chosen) => draw(chosen),
    })
}

/// Where the reader came from.
fn origin() -> String {
    let page = use_page();
    way_back(page.parameter("back").unwrap_or_default()).to_owned()
}

fn replay_form(chosen: &Chosen, rate: f64) -> AnyView {
    let outlook = &chosen.outlook;
    let failing = outlook.failing();
    let warning = (failing > 0).then(|| {
        let reasons = outlook
            .reasons
            .iter()
            .map(|(reason, count)| {
                let messages = counted(*count, "message", "messages");
                view! { <li>{messages} ": " <span class="mono">{reason.clone()}</span></li> }
            })
            .collect_view();
        view! {
            <ul class="dl-reasons">{reasons}</ul>
            <p>
                "Mend the schema, or whatever the reason names, first. A message that fails again comes back to the archive; nothing is lost."
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
    // Only where each was checked: a promise about those that nobody looked at would be none.
    let only_passing =
        (failing > 0 && outlook.passing() > 0 && outlook.checked == outlook.total).then(|| {
            let text = match outlook.passing() {
                1 => "Replay only the 1 that passes".to_owned(),
                count => format!("Replay only the {} that pass", grouped(count)),
            };
            view! { <button class="button primary" name="passing" value="true">{text}</button> }
        });
    let class = if failing == 0 { "button primary" } else { "button" };
    let (tone, sentence) = (outlook.tone(), outlook.sentence());
    view! {
        <StatusSentence tone=tone>{sentence}</StatusSentence>
        <div class="stack dl-confirm">
            {warning}
            {caveats}
            {gone(chosen)}
            <p class="quiet">
                {pace}
                ". The replay has ended when each event is stored or back here, and the store takes each event only once."
            </p>
            <form method="post" action=REPLAY class="row">
                {hidden(chosen)}
                {only_passing}
                <button class=class>{format!("Replay {}", chosen.messages())}</button>
                <a class="button" href=origin()>"Cancel"</a>
            </form>
        </div>
        {messages(chosen, true)}
    }
    .into_any()
}

fn discard_form(chosen: &Chosen) -> AnyView {
    let sentence = format!("{} would be given up. This can be undone.", chosen.messages());
    view! {
        <StatusSentence tone=Tone::Warning>{sentence}</StatusSentence>
        <div class="stack dl-confirm">
            {gone(chosen)}
            <form method="post" action=DISCARD class="stack" data-keep="">
                {hidden(chosen)}
                <input type="hidden" name="back" value=origin() />
                <label class="label">
                    <span>"Why, for those who ask later"</span>
                    <textarea class="field" name="reason" rows="3" required maxlength=LONGEST_REASON.to_string()></textarea>
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

fn gone(chosen: &Chosen) -> Option<impl IntoView + use<>> {
    (chosen.gone > 0).then(|| {
        let text = match chosen.gone {
            1 => "1 of those you selected does not wait any more, and is left out.".to_owned(),
            count => {
                format!("{} of those you selected do not wait any more, and are left out.", grouped(count))
            }
        };
        view! { <p class="quiet">{text}</p> }
    })
}

/// What the form is about, for the server.
fn hidden(chosen: &Chosen) -> AnyView {
    let first = chosen.letters.first().map(|letter| letter.id.to_string());
    let what = match &chosen.wanted {
        Some(Wanted::Matching(filters)) => {
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
                    Some(reason) => view! { <td class="wide"><Badge tone=Tone::Bad text="would fail again" /> " " <span class="mono">{reason.clone()}</span></td> },
                    None => view! { <td class="wide"><Badge tone=Tone::Good text="passes the checks" /> " " <span class="mono">{String::new()}</span></td> },
                }
            });
            row(letter, forecast.into_any())
        })
        .collect_view();
    let rest = chosen.waiting.saturating_sub(LISTED as u64);
    let rest = (rest > 0).then(|| view! { <p class="quiet">{format!("And {} more.", grouped(rest))}</p> });
    let now = with_forecast.then(|| view! { <th scope="col" class="wide">"Now"</th> });
    view! {
        <section class="section" aria-labelledby="dl-chosen">
            <h2 id="dl-chosen">"Messages"</h2>
            <div class="table-scroll" tabindex="0" role="region" aria-label="Messages">
                <table class="table dl-table">
                    <thead>
                        <tr>
                            <th scope="col">"Event"</th>
                            <th scope="col">"Failed because"</th>
                            {now}
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            {rest}
        </section>
    }
    .into_any()
}

fn row(letter: &DeadLetter, forecast: AnyView) -> AnyView {
    let name = letter.event_type.as_ref().map_or_else(|| "unknown type".to_owned(), ToString::to_string);
    let event = letter.key.as_ref().map_or_else(|| letter.id.to_string(), |key| key.id.to_string());
    let failure = letter.last_failure().map_or("not known", |failure| class_label(failure.class));
    view! {
        <tr data-row="" data-key=letter.id.to_string() tabindex="-1">
            <td class="dl-event">
                <a href=href(&letter.id, "")>{name}</a>
                <span class="mono quiet small dl-id">{event}</span>
            </td>
            <td class="dl-why">{failure}</td>
            {forecast}
        </tr>
    }
    .into_any()
}
