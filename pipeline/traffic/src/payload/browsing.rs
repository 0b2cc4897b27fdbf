//! Customers in the shop: pages, carts, accounts, pictures.

use super::{Parts, customer, lines, money, pick, session};
use base64::Engine as _;
use rand::rngs::StdRng;
use rand::{Rng as _, RngCore as _};
use serde_json::json;

const AGENTS: [&str; 4] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
];

pub fn page_viewed(random: &mut StdRng) -> Parts {
    let path = match random.random_range(0..10) {
        0 | 1 => "/".to_owned(),
        2..=4 => {
            format!("/category/{}", pick(random, &["lighting", "chairs", "kitchen", "textiles", "storage"]))
        }
        5 => format!("/search?q={}", pick(random, &["lamp", "oak%20table", "mug", "rug%20blue", "gift"])),
        _ => format!("/product/{}-{:05}", pick(random, &super::ARTICLES).0, random.random_range(0..40_000)),
    };
    let mut data = json!({
        "schema_version": 2,
        "session_id": session(random),
        "path": path,
        "duration_ms": random.random_range(40..2_600),
        "viewport": pick(random, &["390x844", "412x915", "1440x900", "1920x1080"]),
        "user_agent": pick(random, &AGENTS),
    });
    if random.random_bool(0.4) {
        data["customer_id"] = customer(random).into();
    }
    if random.random_bool(0.3) {
        data["referrer"] = (*pick(random, &["https://search.example/", "https://news.example/home"])).into();
    }
    let source = if random.random_bool(0.7) { "/shop/web" } else { "/shop/app" };
    (source, path, data)
}

pub fn cart_updated(random: &mut StdRng) -> Parts {
    let (lines, total) = lines(random, 12);
    let session_id = session(random);
    let data = json!({
        "schema_version": 2,
        "session_id": session_id,
        "action": pick(random, &["added", "added", "added", "removed", "quantity_changed"]),
        "lines": lines,
        "total": money(total),
        "currency": "EUR",
    });
    (if random.random_bool(0.6) { "/shop/web" } else { "/shop/app" }, session_id, data)
}

pub fn user_signed_up(random: &mut StdRng) -> Parts {
    let customer_id = customer(random);
    let data = json!({
        "schema_version": 2,
        "customer_id": customer_id,
        "email": format!("{}@example.com", customer_id.to_lowercase()),
        "locale": pick(random, &["de-DE", "fr-FR", "nl-NL", "es-ES", "it-IT", "nb-NO", "en-GB"]),
        "newsletter": random.random_bool(0.35),
        "via": pick(random, &["email", "apple", "google"]),
    });
    ("/shop/accounts", customer_id, data)
}

/// With a small preview inside; one in fifty has a large one, which makes it by far the largest event there is.
pub fn image_uploaded(random: &mut StdRng) -> Parts {
    let large = random.random_bool(0.02);
    let preview_bytes =
        if large { random.random_range(30_000..90_000) } else { random.random_range(600..5_200) };
    let mut preview = vec![0; preview_bytes];
    random.fill_bytes(&mut preview);
    let name = format!("review-{:06}.jpg", random.random_range(0..1_000_000));
    let data = json!({
        "schema_version": 2,
        "file_name": name,
        "content_type": "image/jpeg",
        "bytes": random.random_range(80_000..9_000_000),
        "width": pick(random, &[1080, 2048, 3024, 4032]),
        "height": pick(random, &[810, 1536, 3024, 4032]),
        "customer_id": customer(random),
        "preview": base64::engine::general_purpose::STANDARD.encode(preview),
    });
    ("/shop/media", name, data)
}
