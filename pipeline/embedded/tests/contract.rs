//! The ports on SQLite pass the suites that every adapter passes.

use spillway_core::ports::Schemas;
use spillway_core::schema::SchemaSet;
use spillway_embedded::schemas::SchemaFolder;
use spillway_embedded::{Options, Pipeline, RealClock};
use spillway_testkit::contract::EmptyPipeline;
use std::collections::BTreeMap;
use std::sync::Arc;
use tempfile::TempDir;

async fn open() -> EmptyPipeline {
    let folder = tempfile::tempdir().expect("a folder");
    let pipeline =
        Pipeline::open(folder.path(), Options::at(Arc::new(RealClock))).await.expect("a fresh folder opens");
    EmptyPipeline {
        ports: pipeline.ports.clone(),
        workers: pipeline.workers.clone(),
        schemas_of: Box::new(|by_type| Box::pin(async move { Arc::new(InFolder::of(&by_type)) as _ })),
        keep: Box::new((pipeline, folder)),
    }
}

/// Schemas in a folder that goes with them.
struct InFolder {
    schemas: SchemaFolder,
    _folder: TempDir,
}

impl InFolder {
    fn of(by_type: &BTreeMap<String, serde_json::Value>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, schema) in by_type {
            let file = folder.path().join(format!("{name}.json"));
            std::fs::write(file, schema.to_string()).expect("a file is written");
        }
        Self { schemas: SchemaFolder::open(folder.path()).expect("schemas"), _folder: folder }
    }
}

#[async_trait::async_trait]
impl Schemas for InFolder {
    async fn current(&self) -> Arc<SchemaSet> {
        self.schemas.current().await
    }
}

spillway_testkit::contract!(crate::open);
