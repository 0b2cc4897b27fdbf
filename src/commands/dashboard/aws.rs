//! The dashboard of a deployment in AWS.

use super::Options;
use crate::console::Console;
use crate::system::{self, OpenPages};
use spillway_aws::operator::Deployment;
use spillway_dashboard_server::{Deps, InMemoryTokens, Sessions, Tokens as _, aws, serve};
use spillway_embedded::loops::Loops;
use std::path::Path;
use std::sync::Arc;

/// Sign-in links end with the process, like sessions: there is no folder to keep them in.
pub async fn run(options: &Options, topology: &Path, console: &mut Console) -> anyhow::Result<()> {
    let asked_to_end = system::asked_to_end()?;
    system::log_to_standard_error();
    let OpenPages { listener, assets, hosts, url, .. } = options.pages.open().await?;
    let deployment = Deployment::attach(crate::backend::topology(topology)?).await?;
    let clock = &deployment.ports.clock;
    let tokens = InMemoryTokens::new(Arc::clone(clock));
    let token = tokens.issue().await?;
    let deps = Deps {
        ports: aws::ports(&deployment)?,
        tokens: Arc::new(tokens),
        sessions: Arc::new(Sessions::new(Arc::clone(clock))),
        assets: Arc::new(assets),
        port: listener.local_addr()?.port(),
        hosts,
        // Another port: this process has its own.
        sign_in_command: "spillway dashboard --topology FILE --dashboard-port 0",
    };
    let (carrier, rate) = (deployment.ports.carrier(), deployment.ports.settings.replay_rate_per_s);
    let mut replays = Loops::default();
    replays.spawn("the carrier of replays", async move { aws::carry_on(&carrier, rate).await });
    system::announce_to(console, None, &format!("{url}/sign-in?token={}", token.reveal()));
    tokio::select! {
        served = serve(listener, deps, asked_to_end) => Ok(served?),
        ended = replays.ended() => Err(ended.into()),
    }
}
