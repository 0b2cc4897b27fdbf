//! The document around every page.

mod header;
mod range_menu;

use crate::{
    components::{ErrorState, Icon, Sign},
    context::use_page,
    islands::{CopyButtons, Crosshair, Keys, Live, Selection, Times},
    ports::use_ports,
    preferences::Theme,
};
use header::Header;
use leptos::prelude::*;
use spillway_dashboard_pages::PAGES;
use std::{sync::Arc, time::Duration};

/// The usual interval between live refreshes.
const LIVE_EVERY: Duration = Duration::from_secs(2);

/// Paths of the files that the page loads. Each name has the hash of the content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AssetPaths {
    /// The style sheet.
    pub style: String,
    /// The icon of the browser's tab.
    pub icon: String,
    /// The files that start the islands; `None` if the wasm was not built.
    pub script: Option<ScriptPaths>,
}

/// The files of the browser's part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptPaths {
    /// The module that loads the others.
    pub start: String,
    /// wasm-bindgen's glue.
    pub glue: String,
    /// The wasm.
    pub wasm: String,
}

/// The whole document. Needs in context what [`crate::ports::Ports`] provides, and `Arc<AssetPaths>`.
#[component]
pub fn Shell(
    /// The page.
    children: Children,
) -> impl IntoView {
    leptos_meta::provide_meta_context();
    // Islands need no data from the page for hydration, so the server sends none.
    if let Some(shared) = Owner::current_shared_context() {
        shared.set_is_hydrating(false);
    }
    let page = use_page();
    let assets = expect_context::<Arc<AssetPaths>>();
    let every = use_ports().environment.refresh_every.unwrap_or(LIVE_EVERY);
    let every_ms = u32::try_from(every.as_millis()).unwrap_or(u32::MAX);
    let theme = page.preferences.theme;
    let zone = page.zone.iana_name().unwrap_or("UTC").to_owned();
    let scripts = assets.script.clone().map(|script| {
        view! {
            <link rel="modulepreload" href=script.glue />
            <link rel="preload" href=script.wasm r#as="fetch" r#type="application/wasm" crossorigin="anonymous" />
            <script type="module" src=script.start></script>
        }
    });
    let range_error = page.range_error.clone().map(|error| {
        let text = format!("The range in the address cannot be used: {error}.");
        view! { <ErrorState title=text>"The last 24 hours are shown instead."</ErrorState> }
    });
    view! {
        <!DOCTYPE html>
        <html
            lang="en"
            data-theme=(theme != Theme::System).then(|| theme.name())
            data-times=page.preferences.times.name()
            data-zone=zone
        >
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <meta name="robots" content="noindex" />
                <leptos_meta::MetaTags />
                <link rel="stylesheet" href=assets.style.clone() />
                <link rel="icon" type="image/svg+xml" href=assets.icon.clone() />
                {scripts}
            </head>
            <body>
                <a class="skip-link" href="#main">"Skip to content"</a>
                <Header />
                <main id="main" tabindex="-1" data-live="main">
                    {range_error}
                    {children()}
                </main>
                <footer class="footer">
                    <p>
                        <Icon sign=Sign::Dam />
                        " Spillway "
                        {env!("CARGO_PKG_VERSION")}
                    </p>
                    <form class="footer-tools" method="post" action="/sign-out">
                        <button class="link needs-islands" type="button" data-open-keys="">"Keyboard shortcuts"</button>
                        <button class="link">"Sign out"</button>
                        <button class="link" name="everywhere" value="yes" title="End all sessions of this dashboard">
                            "Sign out everywhere"
                        </button>
                    </form>
                </footer>
                <KeysDialog />
                <Live every_ms=every_ms on=page.preferences.live />
                <Times />
                <Selection />
                <CopyButtons />
                <Crosshair />
                <Keys />
            </body>
        </html>
    }
}

/// The help dialog for the keys.
#[component]
fn KeysDialog() -> impl IntoView {
    let listed = PAGES.iter().filter_map(|page| page.navigation);
    let pages =
        listed.map(|page| (vec!["g".to_owned(), page.key.to_string()], format!("Go to {}", page.label)));
    let others = [
        (vec!["/"], "Search"),
        (vec!["j"], "Next in the list"),
        (vec!["k"], "Previous in the list"),
        (vec!["x"], "Select or unselect"),
        (vec!["Enter"], "Open"),
        (vec!["←", "→"], "Read a chart's values, with the chart focused"),
        (vec!["?"], "This help"),
    ];
    let others = others
        .into_iter()
        .map(|(keys, does)| (keys.into_iter().map(str::to_owned).collect(), does.to_owned()));
    let rows = pages.chain(others).map(|(keys, does): (Vec<String>, String)| {
        let keys = keys.into_iter().map(|key| view! { <kbd>{key}</kbd>" " }).collect_view();
        view! {
            <div>
                <dt>{keys}</dt>
                <dd>{does}</dd>
            </div>
        }
    });
    view! {
        <dialog id="keys" class="dialog" aria-labelledby="keys-title">
            <form method="dialog">
                <h2 id="keys-title">"Keyboard shortcuts"</h2>
                <dl class="keys">{rows.collect_view()}</dl>
                <label class="check">
                    <input type="checkbox" name="keys" />
                    " Use single-key shortcuts"
                </label>
                <button class="button primary">"Close"</button>
            </form>
        </dialog>
    }
}
