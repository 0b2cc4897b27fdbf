//! The pipeline and the alarms in memory pass the adapters' suites. So what a test proves with them holds for the adapters too.

use spillway_core::ports::Schemas;
use spillway_core::schema::{FixedSchemas, SchemaSet};
use spillway_testkit::MemoryPipeline;
use spillway_testkit::contract::EmptyPipeline;
use spillway_testkit::letters::at;
use std::sync::Arc;

async fn open() -> EmptyPipeline {
    let memory = MemoryPipeline::at(at(1000), |_| {});
    EmptyPipeline {
        ports: memory.ports(Default::default()),
        workers: memory.worker_ports(),
        schemas_of: Box::new(|by_type| {
            let set = Arc::new(SchemaSet::compile(&by_type).expect("schemas"));
            Box::pin(async move { Arc::new(FixedSchemas(set)) as Arc<dyn Schemas> })
        }),
        keep: Box::new(()),
    }
}

spillway_testkit::contract!(crate::open);

#[cfg(all(feature = "alarms", feature = "telemetry"))]
mod alarms {
    use jiff::SignedDuration;
    use spillway_core::names::Names;
    use spillway_dashboard_model::alarms::{AlarmState, Limits, NotNotified, Notified, RuleSet};
    use spillway_testkit::ScriptedAlarms;
    use spillway_testkit::contract::alarms::{EmptyAlarms, Incident, PlayIncident, RULE};
    use spillway_testkit::letters::at;
    use std::sync::Arc;

    async fn open() -> EmptyAlarms {
        let start = at(0);
        let minute = move |minute| start + SignedDuration::from_mins(minute);
        let rules = RuleSet::built_in(&Limits::built_in().expect("limits")).expect("the built-in rules");
        let source = Arc::new(ScriptedAlarms::new(rules, &Names::default()).evaluated(minute(60)));
        let alarms = Arc::clone(&source);
        let play: PlayIncident = Box::new(move |incident| {
            let mut changes = vec![("queue-age-low", 11, AlarmState::Alarm), (RULE, 13, AlarmState::Alarm)];
            if incident == Incident::Over {
                changes.extend([(RULE, 33, AlarmState::Ok), ("queue-age-low", 34, AlarmState::Ok)]);
            }
            for (rule, at, to) in changes {
                let notified = Notified::Never(NotNotified::NoNews);
                alarms.change(rule, minute(at), to, "the test says so", notified);
            }
            Box::pin(async {})
        });
        EmptyAlarms { start, play, source, keep: Box::new(()) }
    }

    spillway_testkit::alarms!(super::open);
}
