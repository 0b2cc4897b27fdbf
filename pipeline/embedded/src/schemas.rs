//! Schemas in a folder.

use async_trait::async_trait;
use spillway_core::Timestamp;
use spillway_core::ports::Schemas;
use spillway_core::schema::{SchemaError, SchemaSet, SchemaSource};
use std::collections::BTreeMap;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::time::Instant;

/// Files up to which the folder is checked for each batch. A larger folder is checked less often.
const SMALL: usize = 100;
/// Checks of a large folder take at most one part in this many of the time.
const SHARE: u32 = 20;
/// Bytes of a schema's file at most.
const MAX_BYTES: u64 = 1024 * 1024;

/// What shows that a file has changed: its times in nanoseconds, size and inode. The time of the last status change can't be
/// set, so a copy with the old time and size is noticed as well.
type Stamp = (i128, i128, u64, u64);
/// Each file of the folder that may hold a schema, by event type.
type Listing = BTreeMap<String, (PathBuf, Result<Stamp, SchemaError>)>;

/// Schemas from a folder, read again when a file in it changes, so that a fixed schema is used at once.
///
/// A file that can't be used affects only its own event type. The last schema that could be used stays active for it. Without
/// one, the type's events are refused: they become dead letters, which an operator can replay after the fix. Hidden files are
/// left out. Files in folders below are those of event types with a slash.
pub struct SchemaFolder {
    folder: PathBuf,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// What was read; `None` if the folder can't be read.
    listing: Option<Listing>,
    /// Whether the folder was ever read.
    is_known: bool,
    /// The newest schema of each type that could be used.
    usable: BTreeMap<String, serde_json::Value>,
    /// The text of each of them.
    sources: BTreeMap<String, SchemaSource>,
    set: Arc<SchemaSet>,
    /// When the folder may be looked at again, if it is a large one.
    next_look: Option<Instant>,
}

impl SchemaFolder {
    /// The schemas of a folder. It is read when they are needed.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), state: Arc::default() }
    }

    /// Reads a folder.
    ///
    /// # Errors
    /// The folder can't be read. For files that can't be used, see [`SchemaSet::problems`].
    pub fn open(folder: &Path) -> Result<Self, SchemaError> {
        list(folder)?;
        let schemas = Self::new(folder);
        look(&schemas.folder, &schemas.state);
        Ok(schemas)
    }
}

#[async_trait]
impl Schemas for SchemaFolder {
    async fn current(&self) -> Arc<SchemaSet> {
        let (folder, state) = (self.folder.clone(), Arc::clone(&self.state));
        let read = tokio::task::spawn_blocking(move || look(&folder, &state)).await;
        read.unwrap_or_else(|error| Arc::new(SchemaSet::refusing_everything(unreadable(&self.folder, error))))
    }
}

/// Looks at the folder, and reads it again if it has changed.
fn look(folder: &Path, state: &Mutex<State>) -> Arc<SchemaSet> {
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    let started = Instant::now();
    if state.next_look.is_some_and(|next| started < next) {
        return Arc::clone(&state.set);
    }
    match list(folder) {
        Ok(listing) => {
            if state.listing.as_ref() != Some(&listing) {
                state.read(listing);
            }
            let is_costly = state.listing.as_ref().is_some_and(|files| files.len() > SMALL);
            state.next_look = is_costly.then(|| started + started.elapsed() * SHARE);
        }
        Err(error) => state.keep(error),
    }
    Arc::clone(&state.set)
}

impl State {
    /// The folder can't be read: what is active stays active. Before the first reading nothing is known of any type.
    fn keep(&mut self, error: SchemaError) {
        let set = match self.is_known {
            false => SchemaSet::refusing_everything(error),
            true => self.set.noting(vec![error]),
        };
        // It is read again when it is back.
        self.listing = None;
        self.activate(set);
    }

    fn read(&mut self, mut listing: Listing) {
        let mut problems = BTreeMap::new();
        let mut schemas = BTreeMap::new();
        let mut sources = BTreeMap::new();
        for (name, (path, stamp)) in &mut listing {
            let schema = stamp.clone().and_then(|(modified, ..)| {
                let text = read_file(path)?;
                let source = SchemaSource::of(name, &text).changed(time_of(modified));
                sources.insert(name.clone(), source);
                SchemaSet::parse(path, &text)
            });
            if let Err(error) = &schema {
                problems.insert(name.clone(), error.clone());
                if matches!(error, SchemaError::Read { .. }) {
                    // It is read again next time, even if it does not change.
                    *stamp = Err(error.clone());
                }
            }
            match schema {
                Ok(schema) => drop(schemas.insert(name.clone(), schema)),
                Err(_) => self.keep_usable(name, &mut schemas, &mut sources),
            }
        }
        let mut set = SchemaSet::compile_usable(&schemas);
        if !set.refused().is_empty() {
            for (name, error) in set.refused() {
                problems.entry(name.clone()).or_insert_with(|| error.clone());
                self.keep_usable(name, &mut schemas, &mut sources);
            }
            set = SchemaSet::compile_usable(&schemas);
            schemas.retain(|name, _| !set.refused().contains_key(name));
        }
        let (noted, refused): (BTreeMap<_, _>, BTreeMap<_, _>) =
            problems.into_iter().partition(|(name, _)| schemas.contains_key(name));
        for (name, error) in refused {
            set.refuse(name, error);
        }
        sources.retain(|name, _| schemas.contains_key(name));
        self.usable = schemas;
        self.sources.clone_from(&sources);
        self.listing = Some(listing);
        self.is_known = true;
        self.activate(set.noting(noted.into_values().collect()).with_sources(sources));
    }

    /// Uses the newest schema of a type that could be used, with its text.
    fn keep_usable(
        &self,
        name: &str,
        schemas: &mut BTreeMap<String, serde_json::Value>,
        sources: &mut BTreeMap<String, SchemaSource>,
    ) {
        sources.remove(name);
        if let Some(usable) = self.usable.get(name) {
            schemas.insert(name.to_owned(), usable.clone());
            sources.extend(self.sources.get(name).map(|source| (name.to_owned(), source.clone())));
        }
    }

    fn activate(&mut self, set: SchemaSet) {
        let problems = set.problems();
        if self.set.problems() != problems {
            for problem in &problems {
                tracing::error!(target: "spillway::schemas", %problem, "a schema can't be used");
            }
            if problems.is_empty() {
                tracing::info!(target: "spillway::schemas", "all schemas can be used again");
            }
        }
        self.set = Arc::new(set);
    }
}

fn unreadable(path: &Path, reason: impl ToString) -> SchemaError {
    SchemaError::Read { path: path.to_owned(), reason: reason.to_string() }
}

/// The files `*.json` of a folder and of the folders in it, without hidden ones.
fn list(folder: &Path) -> Result<Listing, SchemaError> {
    let mut files = Listing::new();
    list_into(folder, "", &mut files)?;
    Ok(files)
}

fn list_into(folder: &Path, prefix: &str, files: &mut Listing) -> Result<(), SchemaError> {
    let fail = |error: std::io::Error| unreadable(folder, error);
    for entry in std::fs::read_dir(folder).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let (path, name) = (entry.path(), entry.file_name());
        if name.as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let event_type = |name: &std::ffi::OsStr| format!("{prefix}{}", name.to_string_lossy());
        let is_schema = path.extension().is_some_and(|extension| extension == "json");
        // Not through links, so there are no circles.
        let is_folder = !is_schema && entry.file_type().is_ok_and(|kind| kind.is_dir());
        if (is_schema || is_folder) && name.to_str().is_none() {
            let reason = "its name is not UTF-8, so no event type can have it";
            files.insert(event_type(&name), (path.clone(), Err(unreadable(&path, reason))));
            continue;
        }
        if is_schema {
            let name = event_type(path.file_stem().unwrap_or_default());
            let stamp = stamp(&path);
            files.insert(name, (path, stamp));
        } else if is_folder {
            list_into(&path, &format!("{}/", event_type(&name)), files)?;
        }
    }
    Ok(())
}

fn stamp(path: &Path) -> Result<Stamp, SchemaError> {
    let metadata = std::fs::metadata(path).map_err(|error| unreadable(path, error))?;
    if !metadata.is_file() {
        return Err(unreadable(path, "it is not a regular file"));
    }
    let nanos = |seconds: i64, nanos: i64| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
    let modified = nanos(metadata.mtime(), metadata.mtime_nsec());
    let changed = nanos(metadata.ctime(), metadata.ctime_nsec());
    Ok((modified, changed, metadata.len(), metadata.ino()))
}

/// A file's time, from nanoseconds. A time that no calendar has is not known.
fn time_of(nanoseconds: i128) -> Option<Timestamp> {
    Timestamp::from_nanosecond(nanoseconds).ok()
}

fn read_file(path: &Path) -> Result<Vec<u8>, SchemaError> {
    let mut text = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| unreadable(path, error))?;
    file.take(MAX_BYTES + 1).read_to_end(&mut text).map_err(|error| unreadable(path, error))?;
    if text.len() as u64 > MAX_BYTES {
        return Err(unreadable(path, "it has more than 1 MiB"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use spillway_core::event::Event;

    fn event(event_type: &str) -> Event {
        let text = format!(
            r#"{{"specversion":"1.0","id":"1","source":"/s","type":"{event_type}","data":{{"amount":1}}}}"#
        );
        Event::from_structured(text.as_bytes()).unwrap()
    }

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    async fn problems(schemas: &SchemaFolder) -> String {
        let set = schemas.current().await;
        set.problems().iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }

    #[tokio::test]
    async fn a_fixed_schema_is_used_at_once_and_a_broken_one_is_not() {
        let folder = folder(&[("order.json", r#"{"type":"string"}"#)]);
        let file = folder.path().join("order.json");
        let schemas = SchemaFolder::open(folder.path()).unwrap();
        let order = event("order");
        assert!(schemas.current().await.check(&order).is_err());
        std::fs::write(&file, r#"{"type":"object"}"#).unwrap();
        assert!(schemas.current().await.check(&order).is_ok());
        for broken in [r#"{"type":"#, "", r#"{"type":"nonsense"}"#, r#"{"$ref":"missing.json"}"#] {
            std::fs::write(&file, broken).unwrap();
            assert!(schemas.current().await.check(&order).is_ok(), "{broken}");
            let found = problems(&schemas).await;
            assert!(found.contains("order.json"), "{broken}: {found}");
        }
        std::fs::write(&file, r#"{"type":"string"}"#).unwrap();
        assert!(schemas.current().await.check(&order).is_err());
        assert_eq!(problems(&schemas).await, "");
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_used_affects_only_its_own_type() {
        let files = [("order.json", r#"{"type":"object"}"#), ("bad.json", "{"), ("empty.json", "")];
        let folder = folder(&files);
        std::fs::create_dir(folder.path().join("folder.json")).unwrap();
        std::os::unix::fs::symlink("nowhere", folder.path().join("link.json")).unwrap();
        std::fs::write(folder.path().join("large.json"), " ".repeat(1 << 21)).unwrap();
        std::os::unix::fs::symlink("/dev/zero", folder.path().join("zero.json")).unwrap();
        let schemas = SchemaFolder::open(folder.path()).unwrap();
        let set = schemas.current().await;
        assert_eq!(set.check(&event("order")), Ok(()));
        assert_eq!(set.check(&event("another type")), Ok(()));
        for name in ["bad", "empty", "folder", "link", "large", "zero"] {
            let reason = set.check(&event(name)).unwrap_err().message;
            assert!(reason.contains("can't be used") && reason.contains(&format!("{name}.json")), "{reason}");
            assert!(problems(&schemas).await.contains(&format!("{name}.json")), "{name}");
        }
    }

    #[tokio::test]
    async fn files_in_folders_are_of_types_with_a_slash() {
        let folder = folder(&[("order.json", r#"{"type":"object"}"#)]);
        std::fs::create_dir_all(folder.path().join("shop/.git")).unwrap();
        std::fs::write(folder.path().join("shop/order.json"), r#"{"type":"string"}"#).unwrap();
        std::fs::write(folder.path().join("shop/.git/x.json"), "{").unwrap();
        std::os::unix::fs::symlink("..", folder.path().join("shop/circle")).unwrap();
        let schemas = SchemaFolder::open(folder.path()).unwrap();
        assert_eq!(schemas.current().await.types(), ["order", "shop/order"]);
        assert!(schemas.current().await.check(&event("shop/order")).is_err());
        assert_eq!(problems(&schemas).await, "");
    }

    #[tokio::test]
    async fn hidden_files_are_left_out_and_a_byte_order_mark_is_no_error() {
        let files = [
            (".#order.json", "{"),
            ("._order.json", "\u{0}"),
            ("order.json", "\u{feff}{\"type\":\"string\"}"),
        ];
        let folder = folder(&files);
        let schemas = SchemaFolder::open(folder.path()).unwrap();
        assert_eq!(problems(&schemas).await, "");
        assert_eq!(schemas.current().await.types(), ["order"]);
    }

    #[tokio::test]
    async fn a_file_whose_name_no_event_type_can_have_is_a_problem() {
        use std::os::unix::ffi::OsStrExt as _;
        let folder = folder(&[("order.json", "{}")]);
        for name in [&b"\xff.json"[..], b"\xfe.txt"] {
            std::fs::write(folder.path().join(std::ffi::OsStr::from_bytes(name)), "{}").unwrap();
        }
        let schemas = SchemaFolder::open(folder.path()).unwrap();
        assert_eq!(schemas.current().await.types(), ["order"]);
        let found = problems(&schemas).await;
        assert!(found.contains("not UTF-8") && !found.contains(".txt"), "{found}");
    }

    #[tokio::test]
    async fn another_text_of_the_same_length_and_time_is_noticed() {
        let folder = folder(&[("order.json", r#"{"type":"string"}"#)]);
        let file = folder.path().join("order.json");
        let schemas = SchemaFolder::open(folder.path()).unwrap();
        assert!(schemas.current().await.check(&event("order")).is_err());
        let modified = std::fs::metadata(&file).unwrap().modified().unwrap();
        std::fs::write(&file, r#"{"type":"object"}"#).unwrap();
        std::fs::File::options().write(true).open(&file).unwrap().set_modified(modified).unwrap();
        assert_eq!(schemas.current().await.check(&event("order")), Ok(()));
    }

    #[tokio::test]
    async fn the_version_and_the_last_change_are_those_of_the_text_that_is_active() {
        let folder = folder(&[("order.json", r#"{"type":"string"}"#)]);
        let file = folder.path().join("order.json");
        let modified = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_773_100_000);
        std::fs::File::options().write(true).open(&file).unwrap().set_modified(modified).unwrap();
        let schemas = SchemaFolder::open(folder.path()).unwrap();
        let source = async || schemas.current().await.sources().get("order").cloned();
        let first = source().await.unwrap();
        assert_eq!((first.file.as_str(), first.version.len()), ("order.json", 12));
        assert_eq!(first.changed_at, Some("2026-03-09T23:46:40Z".parse().unwrap()));
        std::fs::write(&file, "{,}").unwrap();
        assert_eq!(source().await.unwrap(), first, "the last usable text stays active");
        std::fs::write(&file, r#"{"type":"object"}"#).unwrap();
        let second = source().await.unwrap();
        assert!(second.version != first.version && second.changed_at > first.changed_at, "{second:?}");
        std::fs::remove_file(&file).unwrap();
        assert_eq!(source().await, None);
    }

    #[tokio::test]
    async fn a_folder_that_goes_away_leaves_its_schemas_and_one_that_never_was_refuses_events() {
        let folder = folder(&[("order.json", r#"{"type":"string"}"#)]);
        let schemas = SchemaFolder::open(folder.path()).unwrap();
        std::fs::remove_dir_all(folder.path()).unwrap();
        assert!(schemas.current().await.check(&event("order")).is_err());
        assert_eq!(schemas.current().await.check(&event("another type")), Ok(()));
        assert!(problems(&schemas).await.contains("can't read"));
        std::fs::create_dir(folder.path()).unwrap();
        assert_eq!(problems(&schemas).await, "", "the folder is back");
        assert_eq!(schemas.current().await.check(&event("order")), Ok(()));
        std::fs::remove_dir(folder.path()).unwrap();
        assert!(SchemaFolder::open(folder.path()).is_err());
        let lazy = SchemaFolder::new(folder.path());
        assert!(lazy.current().await.check(&event("order")).unwrap_err().message.contains("can't be used"));
        std::fs::create_dir(folder.path()).unwrap();
        assert_eq!(lazy.current().await.check(&event("order")), Ok(()));
    }
}
