//! The audit log, where its writer dies before the last write.

use crate::place::deployment;
use aws_sdk_dynamodb::types::AttributeValue;
use spillway_testkit::letters::audit_entry as entry;

#[tokio::test]
async fn a_partial_addition_is_not_visible() {
    let place = deployment().await;
    place.ports.ops.append(&[entry(1, "a", "whole")]).await.unwrap();
    place.ports.ops.append(&[entry(2, "a", "part")]).await.unwrap();
    // As if its writer had died before the last write.
    let db = place.clients.dynamodb();
    let table = &place.topology.ops_log.name;
    let heads = db
        .query()
        .table_name(table)
        .key_condition_expression("pk = :pk")
        .expression_attribute_values(":pk", AttributeValue::S("audit".to_owned()))
        .scan_index_forward(false)
        .send()
        .await
        .unwrap();
    let newest = &heads.items()[0];
    let call = db.delete_item().table_name(table);
    call.key("pk", newest["pk"].clone()).key("sk", newest["sk"].clone()).send().await.unwrap();
    for entries in [
        place.ports.ops.entries(None, 10).await.unwrap(),
        place.ports.ops.entries(Some("a"), 10).await.unwrap(),
    ] {
        assert_eq!(entries, [entry(1, "a", "whole")]);
    }
}
