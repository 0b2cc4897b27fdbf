//! Checkout, payments and the warehouse.

use super::{Parts, address, customer, lines, money, pick};
use rand::Rng as _;
use rand::rngs::StdRng;
use serde_json::json;
use spillway_core::Timestamp;

/// What later events need to know of an order.
#[derive(Clone, Debug)]
pub struct Order {
    number: String,
    customer: String,
    cents: u32,
}

impl Order {
    /// An order without an earlier event.
    pub fn random(random: &mut StdRng) -> Self {
        Self {
            number: format!("O-{:08}", random.random_range(10_000_000..90_000_000)),
            customer: customer(random),
            cents: random.random_range(1_000..60_000),
        }
    }
}

const CURRENCY: &str = "EUR";

pub fn order_placed(random: &mut StdRng, version: u32) -> (Order, Parts) {
    let (lines, total) = lines(random, 24);
    let shipping = if total > 6_900 { 0 } else { 490 };
    let order = Order { cents: total + shipping, ..Order::random(random) };
    let mut data = json!({
        "schema_version": version,
        "order_id": order.number,
        "customer_id": order.customer,
        "amount": money(order.cents),
        "currency": CURRENCY,
        "lines": lines,
        "shipping": {"method": pick(random, &["standard", "express", "pickup"]), "price": money(shipping)},
        "ship_to": address(random),
    });
    if random.random_bool(0.12) {
        data["gift_message"] = "Happy birthday, and see you all in the summer!".into();
    }
    if random.random_bool(0.2) {
        data["voucher"] = format!("SPRING-{:04}", random.random_range(0..10_000)).into();
    }
    let subject = order.number.clone();
    (order, ("/shop/checkout", subject, data))
}

pub fn order_paid(order: &Order, random: &mut StdRng) -> Parts {
    let data = json!({
        "schema_version": 2,
        "order_id": order.number,
        "amount": money(order.cents),
        "currency": CURRENCY,
        "method": pick(random, &["card", "card", "card", "invoice", "wallet", "bank_transfer"]),
        "transaction_id": format!("tx_{:024x}", random.random::<u128>() >> 32),
        "risk_score": f64::from(random.random_range(0..1000_u32)) / 1000.0,
    });
    ("/shop/payments", order.number.clone(), data)
}

pub fn payment_failed(order: &Order, random: &mut StdRng) -> Parts {
    let (code, message) = *pick(
        random,
        &[
            ("card_declined", "The card was declined by its issuer."),
            ("insufficient_funds", "The account has not enough funds."),
            ("expired_card", "The card has expired."),
            ("authentication_required", "The issuer asks for strong customer authentication."),
            ("processor_timeout", "The payment processor did not answer within 10 s."),
        ],
    );
    let data = json!({
        "schema_version": 2,
        "order_id": order.number,
        "customer_id": order.customer,
        "amount": money(order.cents),
        "currency": CURRENCY,
        "code": code,
        "message": message,
        "attempt": random.random_range(1..=4),
    });
    ("/shop/payments", order.number.clone(), data)
}

pub fn order_shipped(order: &Order, random: &mut StdRng, now: Timestamp) -> Parts {
    let carrier = *pick(random, &["post", "parcel-express", "freight"]);
    let parcels: Vec<_> = (0..random.random_range(1..=3))
        .map(|_| {
            json!({
                "tracking_number": format!("{:020}", random.random_range(0..u64::MAX / 2)),
                "weight_grams": random.random_range(180..24_000),
            })
        })
        .collect();
    let arrival = now + jiff::SignedDuration::from_hours(random.random_range(20..96));
    let data = json!({
        "schema_version": 2,
        "order_id": order.number,
        "carrier": carrier,
        "parcels": parcels,
        "expected_at": format!("{arrival:.0}"),
        "ship_to": address(random),
    });
    (warehouse(random), order.number.clone(), data)
}

pub fn inventory_adjusted(random: &mut StdRng) -> Parts {
    let sku = format!("{}-{:05}", pick(random, &super::ARTICLES).0, random.random_range(0..40_000));
    let before = random.random_range(0..900);
    let delta = if random.random_bool(0.7) {
        -random.random_range(1..=6.min(before + 1))
    } else {
        random.random_range(10..=240)
    };
    let data = json!({
        "schema_version": 2,
        "sku": sku,
        "bin": format!("{}{:02}-{:03}", pick(random, &["A", "B", "C", "K"]), random.random_range(1..40), random.random_range(1..300)),
        "delta": delta,
        "quantity_after": (before + delta).max(0),
        "reason": pick(random, &["sale", "sale", "sale", "delivery", "stocktaking", "damage", "return"]),
    });
    (warehouse(random), sku, data)
}

fn warehouse(random: &mut StdRng) -> &'static str {
    if random.random_bool(0.6) { "/warehouse/north" } else { "/warehouse/south" }
}
