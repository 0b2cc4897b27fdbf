//! The file of promised ids, one on each line.

use spillway_core::ids::EventId;
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Why the file is unusable.
#[derive(Debug, thiserror::Error)]
#[error("cannot {what} {path}", path = path.display())]
pub struct PromisesError {
    what: &'static str,
    path: PathBuf,
    source: io::Error,
}

/// The file in which promised ids are recorded.
///
/// Each id is passed to the operating system in one write as soon as it is promised. No buffer is in between, so
/// neither Ctrl-C nor kill -9 of this process loses a promise. Files are only ever appended to.
#[derive(Debug)]
pub struct Promises {
    file: Mutex<File>,
    path: PathBuf,
}

impl Promises {
    /// Opens the file, or creates it.
    pub fn append_to(path: &Path) -> Result<Self, PromisesError> {
        let fail = |source| PromisesError { what: "open", path: path.to_owned(), source };
        let mut file = File::options().create(true).append(true).read(true).open(path).map_err(fail)?;
        if ends_in_the_middle_of_a_line(&mut file).map_err(fail)? {
            file.write_all(b"\n").map_err(fail)?;
        }
        Ok(Self { file: Mutex::new(file), path: path.to_owned() })
    }

    /// Records a promise.
    pub fn note(&self, id: &EventId) -> Result<(), PromisesError> {
        let line = format!("{id}\n");
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(line.as_bytes()).map_err(|source| PromisesError {
            what: "write to",
            path: self.path.clone(),
            source,
        })
    }
}

fn ends_in_the_middle_of_a_line(file: &mut File) -> io::Result<bool> {
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last[0] != b'\n')
}

/// The distinct ids in a file, in the order of their first lines, and the number of lines.
pub fn read_promises(path: &Path) -> Result<(Vec<EventId>, u64), PromisesError> {
    let fail = |source| PromisesError { what: "read", path: path.to_owned(), source };
    let mut seen = HashSet::new();
    let (mut ids, mut lines) = (Vec::new(), 0);
    for line in BufReader::new(File::open(path).map_err(fail)?).lines() {
        let line = line.map_err(fail)?;
        let id = line.trim();
        if id.is_empty() {
            continue;
        }
        lines += 1;
        if seen.insert(id.to_owned()) {
            ids.push(EventId::new(id));
        }
    }
    Ok((ids, lines))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_promise_is_in_the_file_at_once_and_stays_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ids");
        let promises = Promises::append_to(&path).unwrap();
        promises.note(&"a".into()).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a\n");
        let others = Promises::append_to(&path).unwrap();
        others.note(&"b".into()).unwrap();
        promises.note(&"a".into()).unwrap();
        assert_eq!(read_promises(&path).unwrap(), (vec!["a".into(), "b".into()], 3));
    }

    #[test]
    fn a_line_that_was_cut_off_is_ended_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ids");
        std::fs::write(&path, "a\nb").unwrap();
        Promises::append_to(&path).unwrap().note(&"c".into()).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a\nb\nc\n");
    }

    #[test]
    fn errors_name_the_file() {
        let error = Promises::append_to(Path::new("no-such-folder/ids")).unwrap_err();
        assert_eq!(error.to_string(), "cannot open no-such-folder/ids");
        assert!(std::error::Error::source(&error).is_some(), "the reason follows");
    }
}
