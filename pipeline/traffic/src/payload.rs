//! The data of each event type: plausible in content, shape and size.

mod browsing;
mod orders;

pub use browsing::{cart_updated, image_uploaded, page_viewed, user_signed_up};
pub use orders::{Order, inventory_adjusted, order_paid, order_placed, order_shipped, payment_failed};

use rand::Rng as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};

/// Source, subject and data of an event.
pub type Parts = (&'static str, String, Value);

/// What the shop sells: article number prefix, name, price range in cents.
const ARTICLES: [(&str, &str, u32, u32); 12] = [
    ("LMP", "Desk lamp, brushed steel", 2_490, 8_990),
    ("CHR", "Oak chair", 7_900, 24_900),
    ("TBL", "Folding table, 120 × 60 cm", 9_900, 39_900),
    ("MUG", "Stoneware mug, 350 ml", 690, 1_490),
    ("TWL", "Bath towel, organic cotton", 1_290, 3_490),
    ("KTL", "Electric kettle, 1.7 l", 2_990, 6_990),
    ("BKS", "Bookshelf, five boards", 8_900, 21_900),
    ("RUG", "Wool rug, hand-woven", 12_900, 89_900),
    ("PLT", "Dinner plate, set of four", 1_990, 5_990),
    ("CLK", "Wall clock, silent", 1_890, 4_990),
    ("BLK", "Throw blanket, 130 × 170 cm", 2_490, 7_490),
    ("PAN", "Cast-iron pan, 28 cm", 3_490, 9_990),
];

const CITIES: [(&str, &str, &str); 10] = [
    ("10115", "Berlin", "DE"),
    ("20095", "Hamburg", "DE"),
    ("1010", "Wien", "AT"),
    ("8001", "Zürich", "CH"),
    ("75003", "Paris", "FR"),
    ("69002", "Lyon", "FR"),
    ("1012", "Amsterdam", "NL"),
    ("28013", "Madrid", "ES"),
    ("50122", "Firenze", "IT"),
    ("0150", "Oslo", "NO"),
];

const STREETS: [&str; 6] =
    ["Harbour Road", "Mill Lane", "Station Street", "Lindenallee", "Rue du Port", "Via Nuova"];

fn pick<'a, T>(random: &mut StdRng, choices: &'a [T]) -> &'a T {
    &choices[random.random_range(0..choices.len())]
}

/// Cents as a JSON number.
fn money(cents: u32) -> Value {
    json!(f64::from(cents) / 100.0)
}

fn customer(random: &mut StdRng) -> String {
    format!("C{:07}", random.random_range(0..2_000_000))
}

fn session(random: &mut StdRng) -> String {
    format!("{:016x}", random.random::<u64>())
}

fn address(random: &mut StdRng) -> Value {
    let (postal_code, city, country) = *pick(random, &CITIES);
    json!({
        "street": format!("{} {}", pick(random, &STREETS), random.random_range(1..180)),
        "postal_code": postal_code,
        "city": city,
        "country": country,
    })
}

/// Lines of a cart or an order, and their total in cents.
fn lines(random: &mut StdRng, most: u32) -> (Vec<Value>, u32) {
    // Most baskets are small: take the smaller of two random sizes.
    let count = random.random_range(1..=most).min(random.random_range(1..=most));
    let mut total = 0;
    let lines = (0..count)
        .map(|_| {
            let (prefix, name, least, most) = *pick(random, &ARTICLES);
            let price = random.random_range(least..=most) / 10 * 10 + 9;
            let quantity = if random.random_bool(0.8) { 1 } else { random.random_range(2..=6) };
            total += price * quantity;
            json!({
                "sku": format!("{prefix}-{:05}", random.random_range(0..40_000)),
                "name": name,
                "quantity": quantity,
                "unit_price": money(price),
            })
        })
        .collect();
    (lines, total)
}
