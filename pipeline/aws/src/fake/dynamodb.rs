//! DynamoDB's tables, with as much of its expressions as this crate writes.

use serde_json::{Map, Value, json};
use std::cmp::Ordering;
use std::collections::BTreeMap;

type Item = Map<String, Value>;

/// Items by table and by their primary key.
#[derive(Debug, Default)]
pub(super) struct Tables(BTreeMap<(String, String), Item>);

/// The attributes of a primary key, in order.
fn key_names(item: &Item) -> [&'static str; 2] {
    if item.contains_key("pk") { ["pk", "sk"] } else { ["id", "source"] }
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
                let item = self.0.get(&place(request, &object(&request["Key"])));
                Ok(item.map_or(json!({}), |item| json!({"Item": item})))
            }
            "BatchGetItem" => {
                let asked = request["RequestItems"].as_object().into_iter().flatten();
                let answers = asked.map(|(table, wanted)| {
                    let keys = wanted["Keys"].as_array().into_iter().flatten();
                    let find = |key: &Value| self.0.get(&(table.clone(), key_of(&object(key))));
                    (table.clone(), keys.filter_map(find).cloned().collect::<Vec<_>>().into())
                });
                Ok(json!({"Responses": Value::Object(answers.collect()), "UnprocessedKeys": {}}))
            }
            "Query" => Ok(self.query(request)),
            // Of an index that has every item with a sort key: no other scan is written.
            "Scan" => {
                let (table, is_in) =
                    (request["TableName"].as_str(), |item: &Item| item.contains_key("group_bucket"));
                let items = self.0.iter().filter(|((of, _), item)| Some(of.as_str()) == table && is_in(item));
                let items: Vec<&Item> = items.map(|(_, item)| item).collect();
                Ok(json!({"Count": items.len(), "Items": items}))
            }
            "PutItem" => self.put(request).then(|| json!({})).ok_or_else(refused),
            "UpdateItem" => self.update(request).then(|| json!({})).ok_or_else(refused),
            "BatchWriteItem" => {
                for (table, requests) in request["RequestItems"].as_object().into_iter().flatten() {
                    for put in requests.as_array().into_iter().flatten() {
                        let item = object(&put["PutRequest"]["Item"]);
                        self.0.insert((table.clone(), key_of(&item)), item);
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
                            self.0.remove(&place(action, &object(&action["Key"])));
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

    fn put(&mut self, request: &Value) -> bool {
        let item = object(&request["Item"]);
        let place = place(request, &item);
        let old = self.0.get(&place).cloned().unwrap_or_default();
        let done = request["ConditionExpression"]
            .as_str()
            .is_none_or(|condition| Words(request).holds(condition, &old));
        if done {
            self.0.insert(place, item);
        }
        done
    }

    fn update(&mut self, request: &Value) -> bool {
        let key = object(&request["Key"]);
        let place = place(request, &key);
        let old = self.0.get(&place).cloned();
        let holds = |condition| Words(request).holds(condition, &old.clone().unwrap_or_default());
        if !request["ConditionExpression"].as_str().is_none_or(holds) {
            return false;
        }
        let mut item = old.unwrap_or(key);
        Words(request).update(&mut item);
        self.0.insert(place, item);
        true
    }

    fn query(&self, request: &Value) -> Value {
        let words = Words(request);
        let (partition, range) = match request["KeyConditionExpression"].as_str().expect("a condition") {
            both if both.contains(" AND ") => both.split_once(" AND ").expect("it has one"),
            one => (one, ""),
        };
        let sort_key = if request["IndexName"].is_null() { "sk" } else { "archived_key" };
        let is_in_range = |item: &Item| match range {
            "" => true,
            prefix if prefix.starts_with("begins_with(") => {
                let value = prefix.trim_end_matches(')').rsplit(", ").next().expect("a value");
                item.get(sort_key).is_some_and(|key| text(key).starts_with(&text(&words.value(value))))
            }
            between => {
                let words_of: Vec<_> = between.split(' ').collect();
                let [name, "BETWEEN", from, "AND", to] = words_of[..] else { panic!("the range {between}") };
                let key = item.get(&words.name(name)).map(text);
                key.is_some_and(|key| key >= text(&words.value(from)) && key <= text(&words.value(to)))
            }
        };
        let table = request["TableName"].as_str().expect("a table");
        let mut found: Vec<&Item> = self
            .0
            .iter()
            .filter(|((of, _), item)| of == table && words.holds(partition, item) && is_in_range(item))
            .map(|(_, item)| item)
            .collect();
        found.sort_by_key(|item| item.get(sort_key).map(text));
        if request["ScanIndexForward"] == json!(false) {
            found.reverse();
        }
        if let Some(start) = request["ExclusiveStartKey"].as_object() {
            let after = found.iter().position(|item| key_of(item) == key_of(start));
            found.drain(..after.map_or(0, |place| place + 1));
        }
        let limit = request["Limit"].as_u64().map_or(usize::MAX, |limit| limit as usize);
        let next = (found.len() > limit).then(|| found[limit - 1]).map(|item| {
            key_names(item).map(|name| (name.to_owned(), item[name].clone())).into_iter().collect::<Item>()
        });
        found.truncate(limit);
        if let Some(filter) = request["FilterExpression"].as_str() {
            found.retain(|item| words.holds(filter, item));
        }
        let mut answer = json!({"Count": found.len(), "Items": found});
        if let Some(next) = next {
            answer["LastEvaluatedKey"] = next.into();
        }
        answer
    }
}

fn place(request: &Value, key: &Item) -> (String, String) {
    (request["TableName"].as_str().expect("a table").to_owned(), key_of(key))
}

fn refused() -> Value {
    json!({"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException", "message": "It does not hold"})
}
