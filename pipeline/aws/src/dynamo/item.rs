//! Items of DynamoDB, as far as they are used here: text and whole numbers.

use aws_sdk_dynamodb::types::AttributeValue;
use spillway_core::Timestamp;
use std::collections::HashMap;

/// An item, or its key.
pub(crate) type Item = HashMap<String, AttributeValue>;

pub(crate) fn item<const N: usize>(attributes: [(&str, AttributeValue); N]) -> Item {
    attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn number(value: i64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// The text of an attribute.
pub(crate) fn text_of<'i>(item: &'i Item, name: &str) -> Option<&'i str> {
    item.get(name).and_then(|value| value.as_s().ok()).map(String::as_str)
}

/// The number in an attribute.
pub(crate) fn number_of(item: &Item, name: &str) -> Option<i64> {
    item.get(name).and_then(|value| value.as_n().ok()).and_then(|digits| digits.parse().ok())
}

/// The time in an attribute.
pub(crate) fn time_of(item: &Item, name: &str) -> Option<Timestamp> {
    text_of(item, name).and_then(|text| text.parse().ok())
}

/// An item's size as DynamoDB counts it: the bytes of names and values.
pub(crate) fn size(item: &Item) -> usize {
    let value = |value: &AttributeValue| match value {
        AttributeValue::S(text) => text.len(),
        // About a byte for two digits, and one more.
        AttributeValue::N(digits) => digits.len() / 2 + 2,
        _ => 0,
    };
    item.iter().map(|(name, of)| name.len() + value(of)).sum()
}
