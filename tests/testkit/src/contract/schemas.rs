//! The active schemas.

use super::EmptyPipeline;
use serde_json::json;
use spillway_core::event::Event;
use std::collections::BTreeMap;

suite! { $ schemas:
    each_type_is_checked_against_its_own_schema,
    without_any_schema_everything_is_accepted,
}

fn event(event_type: &str, amount: &str) -> Event {
    let text = format!(
        r#"{{"specversion":"1.0","id":"1","source":"/shop","type":"{event_type}","data":{{"amount":{amount}}}}}"#
    );
    Event::from_structured(text.as_bytes()).unwrap()
}

async fn each_type_is_checked_against_its_own_schema(pipeline: &EmptyPipeline) {
    let by_type = BTreeMap::from([
        ("money".to_owned(), json!({"type": "number"})),
        ("order.placed".to_owned(), json!({"properties": {"amount": {"$ref": "money.json"}}})),
        ("user.seen".to_owned(), json!({"required": ["name"]})),
    ]);
    let schemas = (pipeline.schemas_of)(by_type).await.current().await;
    assert_eq!(schemas.types(), ["money", "order.placed", "user.seen"]);
    assert_eq!(schemas.check(&event("order.placed", "1")), Ok(()));
    let error = schemas.check(&event("order.placed", "\"secret\"")).unwrap_err().message;
    assert!(error.starts_with("/amount: ") && !error.contains("secret"), "{error}");
    assert!(schemas.check(&event("user.seen", "1")).unwrap_err().message.starts_with("the data: "));
    assert_eq!(schemas.check(&event("cart.emptied", "\"x\"")), Ok(()), "a type without a schema");
}

async fn without_any_schema_everything_is_accepted(pipeline: &EmptyPipeline) {
    let schemas = (pipeline.schemas_of)(BTreeMap::new()).await.current().await;
    assert!(schemas.types().is_empty());
    assert_eq!(schemas.check(&event("order.placed", "\"x\"")), Ok(()));
}
