//! What an open page of the dashboard costs in AWS. Each page has a dashboard of its own here, behind a proxy that counts its
//! calls.

use crate::outsider::{dead_letters, discard};
use crate::support::{all_stored, batch, ids, settled};
use futures::future::join_all;
use spillway_dashboard_pages::PAGES;
use spillway_tests::emulator::Deployment;
use spillway_tests::fault_proxy::{Counts, FaultProxy};
use spillway_tests::system::Beside;
use std::time::Duration;
use tokio::time::Instant;

/// The most calls for the first page of a dashboard that has just started.
const FIRST: u64 = 25;
/// The most calls for a page that stays open for a minute, with what the dashboard does without a viewer.
const A_MINUTE: u64 = 30;
/// The interval at which a page in AWS refreshes.
const REFRESH: Duration = Duration::from_secs(10);
/// Viewers of one page.
const MANY: usize = 20;

pub async fn an_open_page_costs_few_calls_for_one_viewer_and_for_many(at: &Deployment) {
    let stored = ids("paged-stored", 1);
    assert_eq!(at.send(&batch(&stored)).await.status, 202);
    all_stored(at, "paged-stored", &stored).await;
    let letters = dead_letters(at, &ids("paged", 12)).await;
    let replay = at.cli(&["dlq", "replay", &letters[0], "--wait", "--json"]).await.json();
    let list = at.until(&["dlq", "list"], |list| list["total"] == 12).await;
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    let places = [
        ("{dead-letter}", letters[1].clone()),
        ("{event}", stored[0].clone()),
        ("{group}", text(&list["items"][0]["fingerprint"])),
        ("{replay}", text(&replay["replay"]["id"])),
    ];
    let filled = |address: &str| {
        places.iter().fold(address.to_owned(), |address, (place, id)| address.replace(place, id))
    };
    let pages = PAGES.iter().map(|page| filled(page.examples[0].1));
    // The emulator evaluates no alarms as CloudWatch does, so there may be no incident.
    let pages: Vec<String> = pages.filter(|address| !address.contains("{incident}")).collect();
    let mut wrong = Vec::new();
    for viewers in [1, MANY] {
        let mut open = Vec::with_capacity(pages.len());
        for page in &pages {
            open.push(Open::start(at, page).await);
        }
        let minutes = join_all(open.iter().map(|page| page.a_minute(viewers))).await;
        for (page, minute) in open.iter().zip(minutes) {
            let of = [("the first page", FIRST, &page.first), ("a minute", A_MINUTE, &minute)];
            for (what, most, counts) in of {
                if counts.all() > most {
                    let all = counts.all();
                    wrong.push(format!(
                        "{}, {viewers} viewers, {what}, {all} calls: {counts:?}",
                        page.address
                    ));
                }
            }
        }
    }
    discard(at, &letters).await;
    settled(at).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// An open page, and the dashboard that draws it.
struct Open {
    dashboard: Beside,
    proxy: FaultProxy,
    cookie: String,
    address: String,
    /// The calls for the first page.
    first: Counts,
}

impl Open {
    async fn start(at: &Deployment, address: &str) -> Self {
        let proxy = FaultProxy::start(at.address()).await.expect("a port");
        let dashboard =
            Beside::start(at.command_at(&proxy.url(), &["dashboard", "--dashboard-port", "0"])).await;
        let signed_in = dashboard.get(&dashboard.url, "").await;
        let cookie = signed_in.header("set-cookie").and_then(|cookie| cookie.split(';').next());
        let cookie = cookie.expect("a session").to_owned();
        let before = proxy.counts();
        let mut address = address.to_owned();
        let answer = dashboard.get(&address, &cookie).await;
        if answer.status == 302 {
            // The times of a selection are put into the address.
            answer.header("location").expect("another address").clone_into(&mut address);
        }
        let open = Self { dashboard, proxy, cookie, address, first: Counts::default() };
        open.draw().await;
        let first = open.proxy.counts().since(&before);
        Self { first, ..open }
    }

    async fn draw(&self) {
        let answer = self.dashboard.get(&self.address, &self.cookie).await;
        let text = String::from_utf8_lossy(&answer.body);
        assert!(answer.status == 200 && text.contains("<h1"), "{}: {} {text}", self.address, answer.status);
    }

    /// Refreshes the page for these viewers as often as browsers do. The calls of the minute after the first page.
    async fn a_minute(&self, viewers: usize) -> Counts {
        let before = self.proxy.counts();
        let began = Instant::now();
        for refresh in 1..=6 {
            // Caches of the dashboard follow the machine's clock, so a minute takes one.
            tokio::time::sleep_until(began + refresh * REFRESH).await;
            join_all((0..viewers).map(|_| self.draw())).await;
        }
        self.proxy.counts().since(&before)
    }
}
