//! The REST API's charts.

use super::{Entry, Good, Source, Stage};
use crate::metrics::{Gaps, Line, LineValue};
use spillway_core::names::Names;
use spillway_metrics::{Api, Statistic, Unit, api};

pub(super) fn entries(names: &Names) -> Vec<Entry> {
    let source = Source(Api::from(names));
    let share = |label, metric| Line {
        label,
        value: LineValue::Share {
            part: vec![source.query(metric, Statistic::Sum)],
            whole: vec![source.query(api::REQUESTS, Statistic::Sum)],
        },
    };
    vec![
        source.count(Stage::Api, "requests", api::REQUESTS, Good::Neither).titled(
            "Requests",
            "Requests that reached the API in each period, with any answer. A request may contain a batch of \
             events, so this is not the number of events.",
        ),
        Entry {
            unit: Unit::Percent,
            lines: vec![share("5xx", api::SERVER_ERRORS), share("4xx", api::CLIENT_ERRORS)],
            ..source.count(Stage::Api, "error-share", api::SERVER_ERRORS, Good::Low)
        }
        .titled(
            "Share of requests refused",
            "The share of requests that were answered 5xx or 4xx. After a 5xx, the client has to send the \
             request again. After a 4xx, it has to fix it. No event of a refused request was \
             accepted.",
        ),
        source.count(Stage::Api, "server-errors", api::SERVER_ERRORS, Good::Low).titled(
            "Server errors (5xx)",
            "Requests answered 5xx. Their events were not accepted, and the client has to send them again. \
             An event that is sent twice is stored once.",
        ),
        source.count(Stage::Api, "client-errors", api::CLIENT_ERRORS, Good::Low).titled(
            "Client errors (4xx)",
            "Requests answered 4xx: invalid events, too large, or over the rate (429). A sudden rise usually follows \
             a change in a client.",
        ),
        Entry { gaps: Gaps::Unknown, ..source.duration(Stage::Api, "latency", api::LATENCY) }.titled(
            "Latency",
            "From the request's arrival to the end of the answer, measured at the API. Network time to the client is not included.",
        ),
        source.duration(Stage::Api, "integration-latency", api::INTEGRATION_LATENCY).titled(
            "Integration latency",
            "The part of the latency in the ingest function, cold starts included. The rest is the API's own \
             latency.",
        ),
    ]
}
