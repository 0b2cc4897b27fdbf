//! The resources that Terraform creates from the root module.

use spillway_tests::emulator::Deployment;

pub async fn a_second_plan_changes_nothing(at: &Deployment) {
    let mut changes = at.changes().await;
    // The emulator omits fields when it describes alarms, so Terraform always sees them as changed.
    changes.retain(|address, _| {
        !address.contains("aws_cloudwatch_metric_alarm.")
            && !address.contains("aws_cloudwatch_composite_alarm.")
    });
    assert!(changes.is_empty(), "{changes:#?}");
}
