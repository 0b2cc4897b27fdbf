//! What Terraform makes of the root module.

use spillway_tests::emulator::Deployment;

pub async fn a_second_plan_changes_nothing(at: &Deployment) {
    let mut changes = at.changes().await;
    // The emulator leaves fields out when it describes alarms, so Terraform sees them as changed each time.
    changes.retain(|address, _| {
        !address.contains("aws_cloudwatch_metric_alarm.")
            && !address.contains("aws_cloudwatch_composite_alarm.")
    });
    assert!(changes.is_empty(), "{changes:#?}");
}
