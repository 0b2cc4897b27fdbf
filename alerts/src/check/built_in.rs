//! The project's own scenarios, as they were when this was built.

macro_rules! scenarios {
    ($($name:literal)*) => {
        &[$((
            concat!("alerts/tests/scenarios/", $name, ".yaml"),
            include_str!(concat!("../../tests/scenarios/", $name, ".yaml")),
        ),)*]
    };
}

pub(crate) const SCENARIOS: &[(&str, &str)] = scenarios! {
    "api"
    "budget"
    "cloudwatch_2_of_3"
    "cloudwatch_3_of_3"
    "cloudwatch_dynamodb"
    "cloudwatch_periods"
    "cloudwatch_premature"
    "dead_letters"
    "flow"
    "functions"
    "queue"
    "table"
};
