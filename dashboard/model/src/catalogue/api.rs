//! The REST API's charts.

use super::{Entry, Good, Source, Stage};
use crate::Statistic;
use crate::metrics::{Gaps, Line, LineValue};
use spillway_core::metric::Unit;
use spillway_core::names::Names;

pub(super) fn entries(names: &Names) -> Vec<Entry> {
    let api = Source {
        namespace: "AWS/ApiGateway",
        dimensions: vec![("ApiName", &names.api), ("Stage", &names.stage)],
    };
    let share = |label, name| Line {
        label,
        value: LineValue::Share {
            part: vec![api.query(name, Statistic::Sum)],
            whole: vec![api.query("Count", Statistic::Sum)],
        },
    };
    vec![
        api.count(Stage::Api, "requests", "Count", Good::Neither).titled(
            "Requests",
            "Requests that reached the API in each period, whatever the answer. A request may carry a batch of \
             events, so this is not the number of events.",
        ),
        Entry {
            unit: Unit::Percent,
            metric: "5XXError, 4XXError, Count",
            lines: vec![share("5xx", "5XXError"), share("4xx", "4XXError")],
            ..api.count(Stage::Api, "error-share", "5XXError", Good::Low)
        }
        .titled(
            "Share of requests refused",
            "Of all requests, how many were answered 5xx (the pipeline could not take them; the client has to send \
             them again) and 4xx (the client sent something wrong). Nothing of a refused request was accepted.",
        ),
        api.count(Stage::Api, "server-errors", "5XXError", Good::Low).titled(
            "Server errors (5xx)",
            "Requests answered 5xx. The event was not accepted and is the client's to send again; sending it twice \
             stores it once.",
        ),
        api.count(Stage::Api, "client-errors", "4XXError", Good::Low).titled(
            "Client errors (4xx)",
            "Requests answered 4xx: invalid events, too large, or over the rate (429). A sudden rise usually follows \
             a change in a client.",
        ),
        Entry { gaps: Gaps::Unknown, ..api.duration(Stage::Api, "latency", "Latency") }.titled(
            "Latency",
            "From the request's arrival to the answer's end, as the API sees it; the way to the client is not in it.",
        ),
        api.duration(Stage::Api, "integration-latency", "IntegrationLatency").titled(
            "Integration latency",
            "The part of the latency that the ingest function takes, its cold starts included. The rest of the \
             latency is the API's own.",
        ),
    ]
}
