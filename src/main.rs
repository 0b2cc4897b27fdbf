//! The `spillway` program.

#[tokio::main]
async fn main() -> std::process::ExitCode {
    spillway::main().await
}
