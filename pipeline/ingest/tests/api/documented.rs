//! The document for senders lists what the API answers.

use spillway_ingest::ProblemKind;
use std::collections::BTreeSet;

#[test]
fn the_document_lists_every_problem_type() {
    let document = include_str!("../../../../docs/http-api.md");
    let listed: BTreeSet<_> =
        document.split(['`', '"']).filter(|text| text.starts_with("/problems/")).collect();
    let answered: BTreeSet<_> = ProblemKind::ALL.iter().map(|kind| kind.type_uri()).collect();
    assert_eq!(listed, answered);
}
