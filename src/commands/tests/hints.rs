//! Hints at other commands, and errors: they name the pipeline, so that a person can paste them.

use crate::console::{Console, Format};
use crate::target::Target;
use crate::testing::{FakePipeline, dead_letter, run};
use spillway_embedded::db::DbError;
use spillway_testkit::Background;
use std::io::Write;
use std::sync::{Arc, Mutex};

#[tokio::test]
async fn hints_name_the_data_folder() {
    let pipeline = FakePipeline::new(|state| {
        state.dead_letters.extend([dead_letter(1, 240), dead_letter(2, 3600)]);
        state.background = Background::Stopped;
    });
    let here = "--embedded /srv/spillway";
    for (words, expected) in [
        ("dlq discard m1 --reason x --yes", "Undo with: spillway --embedded /srv/spillway dlq restore m1"),
        ("dlq replay m2", "Follow it with: spillway --embedded /srv/spillway replays "),
        ("fault start store-outage", "until spillway --embedded /srv/spillway fault stop store-outage"),
        ("dlq show m9", "see spillway --embedded /srv/spillway dlq list"),
        ("replays r9", "see spillway --embedded /srv/spillway replays"),
        ("get e9 --body", "see spillway --embedded /srv/spillway get e9"),
    ] {
        let output = run(&format!("{words} {here}"), &pipeline).await;
        let whole = format!("{}{}", output.out, output.err);
        assert!(whole.contains(expected), "{words}: {output}");
    }
}

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn an_error_of_the_database_names_the_folder() {
    for (error, expected) in [
        (DbError::ReadOnly, "the data folder /srv/spillway is read-only: make it writable for this user"),
        (DbError::Full, "the disk with the data folder /srv/spillway is full"),
        (DbError::Busy, "the data folder /srv/spillway is busy: another process holds it"),
        (
            DbError::Other("disk I/O error".to_owned()),
            "the data folder /srv/spillway can't be used: disk I/O error",
        ),
    ] {
        let captured = Captured::default();
        let stream = || Box::new(captured.clone());
        let mut console = Console::of(stream(), stream(), stream(), Format::Table);
        console.address(&Target { embedded: Some("/srv/spillway".into()), topology: None });
        console.error(&error.into());
        let text = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
        assert!(text.contains(expected), "{text}");
        assert_eq!(text.matches("/srv/spillway").count(), 1, "{text}");
    }
}
