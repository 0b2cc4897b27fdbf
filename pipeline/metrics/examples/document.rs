//! Prints `docs/metrics.md`.

#![expect(clippy::print_stdout, reason = "it prints a document")]

fn main() {
    print!("{}", spillway_metrics::document());
}
