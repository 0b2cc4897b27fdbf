//! `spillway run` and `spillway demo` as processes that are asked to end.

use crate::common::{finish, spillway, start};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Child;

/// Reads a stream until it has some words.
async fn read_until(stream: &mut (impl AsyncRead + Unpin), words: &str) -> String {
    let mut text = Vec::new();
    while !String::from_utf8_lossy(&text).contains(words) {
        if stream.read_buf(&mut text).await.expect("readable") == 0 {
            panic!("it ended before {words}: {}", String::from_utf8_lossy(&text));
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

async fn signal(child: &Child, name: &str) {
    let pid = child.id().expect("it runs").to_string();
    std::process::Command::new("kill").args([name, &pid]).status().expect("kill");
}

#[tokio::test]
async fn a_demo_that_is_stopped_during_its_history_ends_like_any_other() {
    for name in ["-TERM", "-INT"] {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        let ports = "--api-port 0 --dashboard-port 0";
        let mut child = start(&format!("demo {ports} --embedded {}", data.display()));
        let mut err = child.stderr.take().expect("standard error");
        read_until(&mut err, "Creating").await;
        signal(&child, name).await;
        read_until(&mut err, "Stopped. The history is not complete; the next start makes it again.").await;
        assert_eq!(child.wait().await.expect("it ends").code(), Some(0), "{name}");
        assert!(data.join("history.unfinished").exists());
    }
}

#[tokio::test]
async fn the_addresses_of_a_system_are_one_document_and_a_log_in_a_file_has_no_colours() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("schemas")).expect("a folder");
    std::fs::write(folder.path().join("schemas/bad.json"), "{").expect("a schema");
    let mut child =
        start(&format!("run -o json --api-port 0 --dashboard-port 0 --embedded {}", folder.path().display()));
    let mut out = child.stdout.take().expect("standard output");
    let text = read_until(&mut out, "}\n").await;
    let document: Value = serde_json::from_str(&text).expect("one document");
    let address = |name: &str| document[name].as_str().unwrap_or_default().to_owned();
    assert!(address("api").starts_with("http://127.0.0.1:") && address("api").ends_with("/events"), "{text}");
    assert!(address("dashboard").contains("/sign-in?token="), "{text}");
    signal(&child, "-TERM").await;
    let ended = finish(child).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.err.contains("a schema can't be used") && !ended.err.contains('\u{1b}'), "{ended:?}");
}

#[tokio::test]
async fn a_system_that_cannot_start_says_what_to_change() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = format!("run --embedded {} --api-port 0 --dashboard-port 0", folder.path().display());
    for (line, words) in [
        (format!("{run} --alarm-rules /no/such"), "--alarm-rules: /no/such could not be read"),
        (format!("{run} --alarm-settings /no/such"), "--alarm-settings: /no/such could not be read"),
        (format!("{run} --site /no/such"), "--site: "),
        (format!("{run} --schemas /no/such"), "--schemas: can't read /no/such"),
        ("run --embedded d --api-port 18084 --dashboard-port 18084".to_owned(), "are both 18084"),
        ("run".to_owned(), "no data folder was named: add --embedded DIR"),
        ("completions bash --json".to_owned(), "has its own output"),
        ("man d --json".to_owned(), "has its own output"),
        ("flow --topology /no/such".to_owned(), "/no/such"),
        ("alarms check /no/such".to_owned(), "/no/such could not be read"),
        ("load --verify /no/such --embedded d --rate 5".to_owned(), "cannot be used with"),
    ] {
        let output = spillway(&line).await;
        assert_eq!((output.code, output.out.as_str()), (Some(2), ""), "{line}: {output:?}");
        assert!(output.err.contains(words), "{line}: {output:?}");
    }
}
