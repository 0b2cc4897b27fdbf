//! Saves a picture of every page of a demo system to `target/shots`: light and dark, in the size of a desktop and of a
//! phone.
//!
//! `cargo run -p spillway-tests --bin shots` after `cargo build --release` and
//! `cargo xtask wasm`. Arguments select pages by the beginning of their address: `… --bin shots -- /metrics`.

#![expect(clippy::print_stdout, reason = "a command line tool writes to its standard streams")]

use spillway_tests::addresses::addresses;
use spillway_tests::browser::{Browser, Options};
use spillway_tests::programs::programs;
use spillway_tests::{Setup, System};
use std::path::Path;

#[tokio::main]
async fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let folder = programs().target.join("shots");
    std::fs::create_dir_all(&folder).expect("the target folder can be written");
    let system = System::start(Setup { site: true, demo: true, ..Setup::default() }).await;
    let mut pages = addresses(&system).await;
    pages.push(("not-found".to_owned(), "/no-such-page".to_owned()));
    for (look, options) in [
        ("light-1280", Options::default()),
        ("dark-1280", Options { dark: true, ..Options::default() }),
        ("light-380", Options { width: 380, height: 800, ..Options::default() }),
        ("dark-380", Options { width: 380, height: 800, dark: true, ..Options::default() }),
    ] {
        let browser = Browser::start(options).await;
        let link = system.json(&["sign-in"]).await["url"].as_str().expect("a link").to_owned();
        browser.open(&link).await;
        browser.at("/").await;
        for (name, page) in &pages {
            if wanted.is_empty() || wanted.iter().any(|wanted| page.starts_with(wanted.as_str())) {
                browser.resize(options.width, options.height).await;
                browser.open(&format!("{}{page}", system.dashboard())).await;
                browser.alive().await;
                save(&folder.join(format!("{name}-{look}.png")), &browser.picture(options.width).await);
            }
        }
    }
}

fn save(file: &Path, picture: &[u8]) {
    std::fs::write(file, picture).expect("the target folder can be written");
    println!("{}", file.display());
}
