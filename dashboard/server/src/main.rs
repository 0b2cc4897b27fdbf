//! The dashboard's HTTP server.

fn main() {}
