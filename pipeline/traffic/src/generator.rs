//! Events: which, how often, and in what envelope.

use crate::payload::{self, Order};
use rand::rngs::StdRng;
use rand::{Rng as _, RngCore as _, SeedableRng as _};
use serde_json::{Value, json};
use spillway_core::Timestamp;
use spillway_core::ids::{EventId, EventSource, EventType};
use std::collections::VecDeque;
use std::time::Duration;

/// The deployed version of the shop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deployment {
    /// Every event conforms to its schema.
    #[default]
    Good,
    /// The checkout sends version 3 of `order.placed`, in which `amount` is a string. All other types are as before.
    AmountAsText,
}

/// An event, ready to be sent in structured mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Its id: a UUIDv7 of the time it was made at, so ids sort by time.
    pub id: EventId,
    /// Its source.
    pub source: EventSource,
    /// Its type.
    pub event_type: EventType,
    /// The whole event in CloudEvents' JSON format (`application/cloudevents+json`).
    pub body: String,
}

/// Every event type that is made, with its weight in the mix, the heaviest first.
pub const EVENT_TYPES: [(&str, u32); 9] = [
    ("page.viewed", 44),
    ("cart.updated", 18),
    ("inventory.adjusted", 11),
    ("order.placed", 8),
    ("order.paid", 7),
    ("order.shipped", 5),
    ("user.signed_up", 3),
    ("payment.failed", 2),
    ("image.uploaded", 2),
];

/// Orders that later events may refer to. More would not be more realistic.
const REMEMBERED_ORDERS: usize = 256;

/// Makes events.
#[derive(Clone, Debug)]
pub struct Generator {
    random: StdRng,
    deployment: Deployment,
    orders: VecDeque<Order>,
}

impl Generator {
    /// A generator that always makes the same events from the same seed.
    pub fn new(seed: u64) -> Self {
        Self {
            random: StdRng::seed_from_u64(seed),
            deployment: Deployment::Good,
            orders: VecDeque::with_capacity(REMEMBERED_ORDERS),
        }
    }

    /// Deploys another version of the shop, which makes all later events.
    pub fn deploy(&mut self, deployment: Deployment) {
        self.deployment = deployment;
    }

    /// The next event of the mix, made at that time.
    pub fn event(&mut self, now: Timestamp) -> Sample {
        let total: u32 = EVENT_TYPES.iter().map(|(_, weight)| weight).sum();
        let mut point = self.random.random_range(0..total);
        for (name, weight) in EVENT_TYPES {
            if point < weight {
                return self.make(name, now);
            }
            point -= weight;
        }
        self.make(EVENT_TYPES[0].0, now)
    }

    /// An event of one type, made at that time; `None` for a type that is not in [`EVENT_TYPES`].
    pub fn event_of(&mut self, event_type: &str, now: Timestamp) -> Option<Sample> {
        let (name, _) = EVENT_TYPES.into_iter().find(|(name, _)| *name == event_type)?;
        Some(self.make(name, now))
    }

    /// How many events to make for a span in which `mean` are expected: independent arrivals, so a Poisson number.
    pub fn arrivals(&mut self, mean: f64) -> u32 {
        if mean > 200.0 {
            // The normal distribution is close enough by then. Its deviate: the sum of twelve uniform ones, minus six.
            let deviate: f64 = (0..12).map(|_| self.random.random::<f64>()).sum::<f64>() - 6.0;
            return (mean + deviate * mean.sqrt()).round().max(0.0) as u32;
        }
        let limit = (-mean.max(0.0)).exp();
        let mut product: f64 = self.random.random();
        let mut count = 0;
        while product > limit {
            count += 1;
            product *= self.random.random::<f64>();
        }
        count
    }

    /// How long to wait for the next event at this rate a second: an exponential time, at most an hour.
    pub fn gap(&mut self, rate_per_s: f64) -> Duration {
        const LONGEST_S: f64 = 3600.0;
        let point: f64 = self.random.random();
        let seconds = -(1.0 - point).ln() / rate_per_s.max(f64::MIN_POSITIVE);
        Duration::from_secs_f64(seconds.min(LONGEST_S))
    }

    fn make(&mut self, event_type: &'static str, now: Timestamp) -> Sample {
        let id = self.id(now);
        let random = &mut self.random;
        let version = match (event_type, self.deployment) {
            ("order.placed", Deployment::AmountAsText) => 3,
            _ => 2,
        };
        let (source, subject, data) = match event_type {
            "cart.updated" => payload::cart_updated(random),
            "inventory.adjusted" => payload::inventory_adjusted(random),
            "order.placed" => {
                let (order, mut parts) = payload::order_placed(random, version);
                if version == 3 {
                    parts.2["amount"] = Value::from(parts.2["amount"].to_string());
                }
                self.keep_order(order);
                parts
            }
            "order.paid" => payload::order_paid(&self.some_order(), &mut self.random),
            "order.shipped" => payload::order_shipped(&self.some_order(), &mut self.random, now),
            "payment.failed" => payload::payment_failed(&self.some_order(), &mut self.random),
            "user.signed_up" => payload::user_signed_up(random),
            "image.uploaded" => payload::image_uploaded(random),
            _ => payload::page_viewed(random),
        };
        let body = json!({
            "specversion": "1.0",
            "id": id,
            "source": source,
            "type": event_type,
            "subject": subject,
            "time": format!("{now:.3}"),
            "datacontenttype": "application/json",
            "dataschema": format!("https://shop.example/schemas/{event_type}/{version}"),
            "data": data,
        });
        Sample {
            id,
            source: EventSource::new(source),
            event_type: EventType::new(event_type),
            body: body.to_string(),
        }
    }

    fn id(&mut self, now: Timestamp) -> EventId {
        let milliseconds = u64::try_from(now.as_millisecond()).unwrap_or(0);
        let mut bytes = [0; 10];
        self.random.fill_bytes(&mut bytes);
        EventId::new(uuid::Builder::from_unix_timestamp_millis(milliseconds, &bytes).into_uuid().to_string())
    }

    fn keep_order(&mut self, order: Order) {
        if self.orders.len() == REMEMBERED_ORDERS {
            self.orders.pop_front();
        }
        self.orders.push_back(order);
    }

    /// An order of a while ago; before the first one, an order from before the generator started.
    fn some_order(&mut self) -> Order {
        if self.orders.is_empty() {
            return Order::random(&mut self.random);
        }
        let position = self.random.random_range(0..self.orders.len());
        self.orders[position].clone()
    }
}
