//! The document for senders, the API and Terraform agree on what is answered.

use spillway_ingest::ProblemKind;
use std::collections::BTreeSet;

/// Status and `type` of each row in the document's table of refusals.
fn documented() -> BTreeSet<(u16, &'static str)> {
    let document = include_str!("../../../../docs/http-api.md");
    let cells = document.lines().filter_map(|line| line.strip_prefix("| ")).map(|line| line.split(" | "));
    cells
        .filter_map(|mut cells| {
            let status = cells.next()?.parse().ok()?;
            Some((status, cells.next()?.trim_matches('`')))
        })
        .collect()
}

#[test]
fn the_document_has_a_row_for_each_status_and_type() {
    let answered = ProblemKind::ALL.iter().map(|kind| (kind.status().as_u16(), kind.type_uri())).collect();
    assert_eq!(documented(), answered);
}

#[test]
fn the_document_names_no_other_type() {
    let document = include_str!("../../../../docs/http-api.md");
    let named: BTreeSet<_> =
        document.split(['`', '"']).filter(|text| text.starts_with("/problems/")).collect();
    assert_eq!(named, ProblemKind::ALL.iter().map(|kind| kind.type_uri()).collect());
}

/// Terraform reads them from a file. Its own test compares API Gateway's answers with the document.
#[test]
fn api_gateway_answers_with_the_same_problems() {
    let file = include_str!("../../../../terraform/modules/api/problems.json");
    assert!(
        file == ProblemKind::document(),
        "terraform/modules/api/problems.json is out of date; run `cargo run -p spillway-ingest --example problems > \
         terraform/modules/api/problems.json`"
    );
}
