//! The JSON Schemas of the event types, from the files in `schemas/`.

use serde_json::Value;
use std::collections::BTreeMap;

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../schemas/", $name, ".json")))),*]
    };
}

/// Name and text of each file; `shop.*` are shared parts that the types refer to.
const FILES: [(&str, &str); 11] = files![
    "cart.updated",
    "image.uploaded",
    "inventory.adjusted",
    "order.paid",
    "order.placed",
    "order.shipped",
    "page.viewed",
    "payment.failed",
    "shop.address",
    "shop.line",
    "user.signed_up",
];

/// The files' own text by file name (`order.placed.json`), to be written into a folder for `--schemas`.
pub fn schema_files() -> BTreeMap<String, &'static str> {
    FILES.into_iter().map(|(name, text)| (format!("{name}.json"), text)).collect()
}

/// The schemas by name: event types, and `shop.*` for the parts that they share.
pub fn schemas() -> BTreeMap<String, Value> {
    FILES
        .into_iter()
        .map(|(name, text)| {
            let schema = serde_json::from_str(text)
                .unwrap_or_else(|error| unreachable!("schemas/{name}.json, checked by a test: {error}"));
            (name.to_owned(), schema)
        })
        .collect()
}
