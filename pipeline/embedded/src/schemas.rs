//! Schemas in a folder.

use spillway_core::ports::Schemas;
use spillway_core::schema::{SchemaError, SchemaSet};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

/// Name, time of change and size of each file: whether the folder has changed.
type Signature = Vec<(PathBuf, Option<std::time::SystemTime>, u64)>;

/// Schemas from a folder, read again when a file in it changes, so that a fixed schema is used at once.
pub struct SchemaFolder {
    folder: PathBuf,
    state: RwLock<FolderState>,
}

struct FolderState {
    signature: Signature,
    set: Arc<SchemaSet>,
    error: Option<String>,
}

impl SchemaFolder {
    /// Reads a folder.
    ///
    /// # Errors
    /// The folder can't be read, or a schema in it can't be used.
    pub fn open(folder: &Path) -> Result<Self, SchemaError> {
        let signature = signature(folder)?;
        let set = Arc::new(load(&signature)?);
        let state = RwLock::new(FolderState { signature, set, error: None });
        Ok(Self { folder: folder.to_owned(), state })
    }

    /// Why the newest state of the folder is not used, if so. Then the last valid one is used.
    pub fn error(&self) -> Option<String> {
        self.state.read().map_or(None, |state| state.error.clone())
    }
}

impl Schemas for SchemaFolder {
    fn current(&self) -> Arc<SchemaSet> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        match signature(&self.folder) {
            Ok(now) if now == state.signature => {}
            Ok(now) => {
                match load(&now) {
                    Ok(set) => {
                        state.set = Arc::new(set);
                        state.error = None;
                    }
                    Err(error) => state.error = Some(error.to_string()),
                }
                state.signature = now;
            }
            Err(error) => state.error = Some(error.to_string()),
        }
        Arc::clone(&state.set)
    }
}

fn signature(folder: &Path) -> Result<Signature, SchemaError> {
    let fail =
        |error: std::io::Error| SchemaError::Read { path: folder.to_owned(), reason: error.to_string() };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let metadata = std::fs::metadata(&path).map_err(fail)?;
            files.push((path, metadata.modified().ok(), metadata.len()));
        }
    }
    files.sort();
    Ok(files)
}

fn load(files: &Signature) -> Result<SchemaSet, SchemaError> {
    let mut schemas = BTreeMap::new();
    for (path, ..) in files {
        let text = std::fs::read(path)
            .map_err(|error| SchemaError::Read { path: path.clone(), reason: error.to_string() })?;
        let schema = serde_json::from_slice(&text)
            .map_err(|error| SchemaError::Json { path: path.clone(), reason: error.to_string() })?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        schemas.insert(name, schema);
    }
    SchemaSet::compile(&schemas)
}

#[cfg(test)]
mod tests {
    use super::*;
    use spillway_core::event::Event;

    fn order() -> Event {
        let text = r#"{"specversion":"1.0","id":"1","source":"/s","type":"order","data":{"amount":1}}"#;
        Event::from_structured(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_fixed_schema_is_used_at_once_and_a_broken_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("order.json");
        std::fs::write(&file, r#"{"type":"string"}"#).unwrap();
        let schemas = SchemaFolder::open(folder.path()).unwrap();
        let order = order();
        assert!(schemas.current().check(&order).is_err());
        std::fs::write(&file, r#"{"type":"object"}"#).unwrap();
        assert!(schemas.current().check(&order).is_ok());
        std::fs::write(&file, r#"{"type":"#).unwrap();
        assert!(schemas.current().check(&order).is_ok());
        assert!(schemas.error().is_some());
    }
}
