//! The dashboard of a deployment in AWS.

use super::Options;
use crate::system::{self, print_line};
use spillway_aws::Topology;
use spillway_aws::operator::Deployment;
use spillway_dashboard_server::{Deps, InMemorySignIns, SignIns as _, aws, serve};
use std::path::Path;
use std::sync::Arc;

/// Sessions end with the process: there is no folder to keep them in.
pub async fn run(options: &Options, topology: &Path) -> anyhow::Result<()> {
    system::log_to_standard_error();
    let (listener, assets) = options.pages.open().await?;
    let deployment = Deployment::attach(Topology::load(topology)?).await?;
    let sign_ins = InMemorySignIns::new(Arc::clone(&deployment.ports.clock));
    let token = sign_ins.issue().await?;
    let deps = Deps {
        ports: aws::ports(&deployment)?,
        sign_ins: Arc::new(sign_ins),
        assets: Arc::new(assets),
        port: listener.local_addr()?.port(),
        // This one has its port, so another one needs a free port.
        sign_in_command: format!("spillway dashboard --topology {} --dashboard-port 0", topology.display()),
    };
    let (carrier, rate) = (deployment.ports.carrier(), deployment.ports.settings.replay_rate_per_s);
    let replays = tokio::spawn(async move { aws::carry_on(&carrier, rate).await });
    let asked_to_end = system::asked_to_end()?;
    print_line(&format!("Dashboard http://127.0.0.1:{}/sign-in?token={}", deps.port, token.reveal()));
    let served = serve(listener, deps, asked_to_end).await;
    replays.abort();
    Ok(served?)
}
