//! DynamoDB's tables, with as much of its expressions as this crate writes.

use serde_json::{Map, Value, json};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

type Item = Map<String, Value>;

/// What a page of a query or a scan reads ("Query" in the DynamoDB API reference).
const PAGE_BYTES: usize = 1 << 20;
/// The partition keys of indexes. Each has the sort key `archived_key`, and stores keys only.
const INDEXES: [(&str, &str); 5] = [
    ("by_age", "age_bucket"),
    ("by_time", "time_bucket"),
    ("by_group", "group_bucket"),
    ("by_type", "type_bucket"),
    ("by_event", "event_id"),
];

/// Items by table.
#[derive(Debug, Default)]
pub(super) struct Tables(BTreeMap<String, Table>);

#[derive(Debug, Default)]
struct Table {
    /// By their primary keys.
    items: BTreeMap<String, Item>,
    /// Sort key and primary key of each item, by the name and the value of a partition key.
    partitions: BTreeMap<(String, String), BTreeSet<(String, String)>>,
}

impl Table {
    fn insert(&mut self, key: String, item: Item) {
        self.remove(&key);
        for (partition, sort) in places(&item) {
            self.partitions.entry(partition).or_default().insert((sort, key.clone()));
        }
        self.items.insert(key, item);
    }

    fn remove(&mut self, key: &str) {
        let Some(item) = self.items.remove(key) else { return };
        for (partition, sort) in places(&item) {
            if let Some(keys) = self.partitions.get_mut(&partition) {
                keys.remove(&(sort, key.to_owned()));
            }
        }
    }
}

/// Where an item is: partitions, and its sort key in each.
fn places(item: &Item) -> impl Iterator<Item = ((String, String), String)> {
    let value = |name: &str| item.get(name).map(text);
    let [hash, range] = key_names(item);
    let indexes = INDEXES.into_iter().map(|(_, hash)| (hash, "archived_key"));
    std::iter::once((hash, range))
        .chain(indexes)
        .filter_map(move |(hash, range)| Some(((hash.to_owned(), value(hash)?), value(range)?)))
}

/// The attributes of a primary key, in order.
fn key_names(item: &Item) -> [&'static str; 2] {
    if item.contains_key("pk") { ["pk", "sk"] } else { ["id", "source"] }
}

/// The bytes that DynamoDB counts for an item.
fn size(item: &Item) -> usize {
    let length = |value: &Value| value["S"].as_str().map_or_else(|| value.to_string().len(), str::len);
    item.iter().map(|(name, value)| name.len() + length(value)).sum()
}

fn key_of(item: &Item) -> String {
    key_names(item).map(|name| text(&item[name])).join("\n")
}

fn text(value: &Value) -> String {
    let text = value["S"].as_str().or_else(|| value["N"].as_str());
    text.expect("a text or a number").to_owned()
}

/// The names and values of a request's expressions.
struct Words<'r>(&'r Value);

impl Words<'_> {
    fn name(&self, word: &str) -> String {
        let named = self.0["ExpressionAttributeNames"][word].as_str();
        named.unwrap_or(word).to_owned()
    }

    fn value(&self, word: &str) -> Value {
        self.0["ExpressionAttributeValues"][word].clone()
    }

    fn compare(&self, item: &Item, name: &str, value: &str) -> Option<Ordering> {
        let there = item.get(&self.name(name))?;
        let value = self.value(value);
        match (number(there), number(&value)) {
            (Some(there), Some(value)) => Some(there.cmp(&value)),
            _ => Some(text(there).cmp(&text(&value))),
        }
    }

    /// Conditions of one comparison each, joined by `OR` in brackets and by `AND`.
    fn holds(&self, expression: &str, item: &Item) -> bool {
        let part = |part: &str| match part.strip_prefix("attribute_not_exists(") {
            Some(name) => !item.contains_key(&self.name(name.trim_end_matches(')'))),
            None => match part.strip_prefix("attribute_exists(") {
                Some(name) => item.contains_key(&self.name(name.trim_end_matches(')'))),
                None => {
                    let words: Vec<_> = part.split(' ').collect();
                    let [name, operator, value] = words[..] else { panic!("the condition {part}") };
                    let wanted = match operator {
                        "=" => Ordering::Equal,
                        "<" => Ordering::Less,
                        ">" => Ordering::Greater,
                        other => panic!("the operator {other}"),
                    };
                    self.compare(item, name, value) == Some(wanted)
                }
            },
        };
        expression.split(" AND ").all(|all| {
            let any = match all.strip_prefix("(attribute") {
                Some(rest) => format!("attribute{}", rest.strip_suffix(')').unwrap_or(rest)),
                None => all.to_owned(),
            };
            any.split(" OR ").any(part)
        })
    }

    fn update(&self, item: &mut Item) {
        let expression = self.0["UpdateExpression"].as_str().unwrap_or_default();
        let marked = expression.replace("SET ", "\nS").replace("ADD ", "\nA").replace("REMOVE ", "\nR");
        for clause in marked.lines().filter(|clause| !clause.is_empty()) {
            for one in clause[1..].trim().split(", ") {
                let words: Vec<_> = one.split(' ').filter(|word| *word != "=").collect();
                let name = self.name(words[0]);
                match &clause[..1] {
                    "S" => {
                        item.insert(name, self.value(words[1]));
                    }
                    "A" => {
                        let before = item.get(&name).and_then(number).unwrap_or(0);
                        let by = number(&self.value(words[1])).expect("a number");
                        item.insert(name, json!({"N": (before + by).to_string()}));
                    }
                    _ => {
                        item.remove(&name);
                    }
                }
            }
        }
    }
}

fn number(value: &Value) -> Option<i64> {
    value["N"].as_str()?.parse().ok()
}

fn object(value: &Value) -> Item {
    value.as_object().expect("an item").clone()
}

impl Tables {
    pub(super) fn call(&mut self, operation: &str, request: &Value) -> Result<Value, Value> {
        match operation {
            "GetItem" => {
                let item = self.item(&place(request, &object(&request["Key"])));
                Ok(item.map_or(json!({}), |item| json!({"Item": item})))
            }
            "BatchGetItem" => {
                let asked = request["RequestItems"].as_object().into_iter().flatten();
                let answers = asked.map(|(table, wanted)| {
                    let keys = wanted["Keys"].as_array().into_iter().flatten();
                    let find = |key: &Value| self.item(&(table.clone(), key_of(&object(key))));
                    (table.clone(), keys.filter_map(find).cloned().collect::<Vec<_>>().into())
                });
                Ok(json!({"Responses": Value::Object(answers.collect()), "UnprocessedKeys": {}}))
            }
            "Query" => Ok(self.query(request)),
            "Scan" => Ok(self.scan(request)),
            "PutItem" => self.put(request).then(|| json!({})).ok_or_else(refused),
            "UpdateItem" => self.update(request).then(|| json!({})).ok_or_else(refused),
            "BatchWriteItem" => {
                for (table, requests) in request["RequestItems"].as_object().into_iter().flatten() {
                    for put in requests.as_array().into_iter().flatten() {
                        let item = object(&put["PutRequest"]["Item"]);
                        self.insert((table.clone(), key_of(&item)), item);
                    }
                }
                Ok(json!({"UnprocessedItems": {}}))
            }
            "TransactWriteItems" => {
                for action in request["TransactItems"].as_array().into_iter().flatten() {
                    let (kind, action) = action.as_object().and_then(|one| one.iter().next()).expect("one");
                    let done = match kind.as_str() {
                        "Put" => self.put(action),
                        "Update" => self.update(action),
                        "Delete" => {
                            let (table, key) = place(action, &object(&action["Key"]));
                            self.0.entry(table).or_default().remove(&key);
                            true
                        }
                        other => panic!("the fake DynamoDB has no {other}"),
                    };
                    assert!(done, "the fake DynamoDB cannot undo a transaction: {action}");
                }
                Ok(json!({}))
            }
            other => panic!("the fake DynamoDB has no {other}"),
        }
    }

    fn item(&self, (table, key): &(String, String)) -> Option<&Item> {
        self.0.get(table)?.items.get(key)
    }

    fn insert(&mut self, (table, key): (String, String), item: Item) {
        self.0.entry(table).or_default().insert(key, item);
    }

    fn put(&mut self, request: &Value) -> bool {
        let item = object(&request["Item"]);
        let place = place(request, &item);
        let old = self.item(&place).cloned().unwrap_or_default();
        let done = request["ConditionExpression"]
            .as_str()
            .is_none_or(|condition| Words(request).holds(condition, &old));
        if done {
            self.insert(place, item);
        }
        done
    }

    fn update(&mut self, request: &Value) -> bool {
        let key = object(&request["Key"]);
        let place = place(request, &key);
        let old = self.item(&place).cloned();
        let holds = |condition| Words(request).holds(condition, &old.clone().unwrap_or_default());
        if !request["ConditionExpression"].as_str().is_none_or(holds) {
            return false;
        }
        let mut item = old.unwrap_or(key);
        Words(request).update(&mut item);
        self.insert(place, item);
        true
    }

    fn query(&self, request: &Value) -> Value {
        let words = Words(request);
        let (partition, range) = match request["KeyConditionExpression"].as_str().expect("a condition") {
            both if both.contains(" AND ") => both.split_once(" AND ").expect("it has one"),
            one => (one, ""),
        };
        let (name, value) = partition.split_once(" = ").expect("a partition key is equal to a value");
        let (name, value) = (words.name(name), text(&words.value(value)));
        let is_in_range = |key: &str| match range {
            "" => true,
            prefix if prefix.starts_with("begins_with(") => {
                let value = prefix.trim_end_matches(')').rsplit(", ").next().expect("a value");
                key.starts_with(&text(&words.value(value)))
            }
            between => {
                let words_of: Vec<_> = between.split(' ').collect();
                let [_, "BETWEEN", from, "AND", to] = words_of[..] else { panic!("the range {between}") };
                *key >= *text(&words.value(from)) && *key <= *text(&words.value(to))
            }
        };
        let table = self.0.get(request["TableName"].as_str().expect("a table"));
        let partition = table.and_then(|table| table.partitions.get(&(name, value)));
        let keys = partition.into_iter().flatten().filter(|(sort, _)| is_in_range(sort));
        let found = keys.filter_map(|(_, key)| table?.items.get(key));
        if request["ScanIndexForward"] == json!(false) {
            page(request, found.rev())
        } else {
            page(request, found)
        }
    }

    fn scan(&self, request: &Value) -> Value {
        let table = self.0.get(request["TableName"].as_str().expect("a table"));
        let name = request["IndexName"].as_str();
        let hash = INDEXES.into_iter().find(|(index, _)| Some(*index) == name).map(|(_, hash)| hash);
        let items = table.into_iter().flat_map(|table| table.items.values());
        page(request, items.filter(|item| hash.is_none_or(|hash| item.contains_key(hash))))
    }
}

/// A page of items: from after the start key on, as many as the limit and the size of a page allow, and of these the ones
/// that the filter leaves.
fn page<'i>(request: &Value, items: impl Iterator<Item = &'i Item>) -> Value {
    let index = request["IndexName"].as_str();
    let hash = INDEXES.into_iter().find(|(name, _)| Some(*name) == index).map(|(_, hash)| hash);
    // An index stores keys only.
    let seen = |item: &Item| match hash {
        Some(hash) => {
            let names = key_names(item).into_iter().chain([hash, "archived_key"]);
            names.map(|name| (name.to_owned(), item[name].clone())).collect()
        }
        None => item.clone(),
    };
    let mut items = items.peekable();
    if let Some(start) = request["ExclusiveStartKey"].as_object() {
        let start = key_of(start);
        while items.next().is_some_and(|item| key_of(item) != start) {}
    }
    let limit = request["Limit"].as_u64().map_or(usize::MAX, |limit| limit as usize);
    let (mut found, mut bytes, mut next) = (Vec::new(), 0, None);
    while let Some(item) = items.next() {
        let item = seen(item);
        bytes += size(&item);
        let is_full = found.len() + 1 == limit || bytes >= PAGE_BYTES;
        if is_full && items.peek().is_some() {
            let key = key_names(&item).map(|name| (name.to_owned(), item[name].clone()));
            next = Some(key.into_iter().collect::<Item>());
        }
        found.push(item);
        if is_full {
            break;
        }
    }
    if let Some(filter) = request["FilterExpression"].as_str() {
        found.retain(|item| Words(request).holds(filter, item));
    }
    let mut answer = json!({"Count": found.len()});
    if request["Select"] != json!("COUNT") {
        answer["Items"] = json!(found);
    }
    if let Some(next) = next {
        answer["LastEvaluatedKey"] = next.into();
    }
    answer
}

fn place(request: &Value, key: &Item) -> (String, String) {
    (request["TableName"].as_str().expect("a table").to_owned(), key_of(key))
}

fn refused() -> Value {
    json!({"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException", "message": "It does not hold"})
}
