//! `spillway sign-in`: a new one-time link to the dashboard.

use crate::answer::{CommandError, ExitStatus};
use crate::backend::Backend;
use crate::console::Console;
use serde_json::json;

pub async fn run(backend: &Backend, console: &mut Console) -> anyhow::Result<ExitStatus> {
    let Some(url) = backend.local()?.sign_in_link().await? else {
        let what = "no dashboard has been started on this data folder: start one, then run this again";
        return Err(CommandError::Unreachable(what.to_owned()).into());
    };
    if console.json() {
        console.document(&json!({"url": url}))?;
    } else {
        console.line(&url)?;
    }
    Ok(ExitStatus::Ok)
}
