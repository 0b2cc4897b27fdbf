//! The rules of ARCHITECTURE.md: who may depend on whom, and that the documents name only what exists.

mod definitions;
mod dependencies;
mod documents;

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package is in the workspace").to_path_buf()
}

/// The work tree's files with that extension, without build output and fetched packages.
fn files(extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder can be read").map_while(Result::ok) {
            let (path, name) = (entry.path(), entry.file_name());
            let ours = name != "target" && name != "node_modules" && !name.to_string_lossy().starts_with('.');
            if path.is_dir() && ours {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// A path as documents write it: relative to the root of the repository.
fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).to_string_lossy().into_owned()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
