//! The command line.

use std::path::PathBuf;

/// Run the whole pipeline on this machine, with its HTTP API and its dashboard, until Ctrl-C.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "spillway-dashboard", version)]
pub struct Settings {
    /// Folder with the data; it is made if it isn't there
    #[arg(long, value_name = "DIR")]
    pub embedded: PathBuf,

    /// Only the dashboard, for a pipeline that another process runs on the folder
    #[arg(long, conflicts_with_all = ["fresh", "demo_history", "demo_traffic", "schemas"])]
    pub attach: bool,

    /// Loopback port of the HTTP API
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    pub api_port: u16,

    /// Loopback port of the dashboard
    #[arg(long, value_name = "PORT", default_value_t = 3000)]
    pub dashboard_port: u16,

    /// Folder with a JSON Schema for each event type that has one, as TYPE.json [default: DIR/schemas]
    #[arg(long, value_name = "DIR")]
    pub schemas: Option<PathBuf>,

    /// Folder with the browser's part of the dashboard, as `cargo xtask wasm` makes it. Without it pages do not refresh
    /// themselves.
    #[arg(long, value_name = "DIR")]
    pub site: Option<PathBuf>,

    /// Delete the folder's data first
    #[arg(long)]
    pub fresh: bool,

    /// Fill an empty folder with a made-up day of history
    #[arg(long)]
    pub demo_history: bool,

    /// Send made-up events all the time
    #[arg(long)]
    pub demo_traffic: bool,
}
