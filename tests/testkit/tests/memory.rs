//! The pipeline in memory passes the suites that the adapters pass: what a test proves with it holds for them too.

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
