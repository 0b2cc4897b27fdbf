//! Prints `terraform/modules/api/problems.json`.

#![expect(clippy::print_stdout, reason = "the document is the output")]

fn main() {
    print!("{}", spillway_ingest::ProblemKind::document());
}
