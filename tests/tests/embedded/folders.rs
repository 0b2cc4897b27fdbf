//! Which process may use a folder and a port, and which error the others get.

use serde_json::json;
use spillway_tests::command::{Output, run};
use spillway_tests::{Setup, System, programs::programs};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use tokio::net::TcpListener;
use tokio::process::Command;

/// The offset at which SQLite stores the application's version number of the data.
const USER_VERSION_OFFSET: u64 = 60;

async fn refused(command: &str, data: &Path, more: &[&str]) -> Output {
    let data = data.to_str().expect("a plain name");
    let words = ["--embedded", data, "--dashboard-port", "0", "--api-port", "0"];
    // A dashboard without a pipeline has no API.
    let words = if command == "dashboard" { &words[..4] } else { &words[..] };
    // An option that appears twice is refused, so options in `more` replace the defaults.
    let mut all: Vec<&str> = vec![command];
    for pair in words.chunks(2).filter(|pair| !more.contains(&pair[0])) {
        all.extend(pair);
    }
    all.extend(more);
    System::refused(&all).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_pipeline_on_a_folder_is_refused_and_the_first_continues() {
    let system = System::start_empty().await;
    for (command, more) in [("run", &[][..]), ("run", &["--fresh"][..]), ("demo", &[][..])] {
        let second = refused(command, &system.data(), more).await;
        let sentence = second.one_sentence();
        assert!(sentence.contains("already running on"), "{command} {more:?}: {sentence}");
        assert_eq!(second.code, Some(1));
    }
    system.accept("after", "t", &json!({})).await;
    system.until(&["get", "after"], |found| found["state"] == "stored").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dashboard_beside_a_pipeline_leaves_the_address_of_the_pipeline_s_own() {
    let mut system = System::start_empty().await;
    let beside = system.attach().await;
    assert!(!beside.url.starts_with(system.dashboard()), "it has a port of its own");
    let own = system.dashboard().to_owned();
    let link = system.cli(&["sign-in"]).await;
    assert!(link.out.contains(&format!("{own}/sign-in?token=")), "{link:?}");
    drop(beside);
    system.stop().await;
    let alone = system.attach().await;
    let (address, _) = alone.url.split_once("/sign-in").unwrap();
    let link = system.cli(&["sign-in"]).await;
    assert!(link.out.contains(address), "without a pipeline it is the only one: {link:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_is_named_before_anything_is_done() {
    let other = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = other.local_addr().unwrap().port().to_string();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    for flag in ["--api-port", "--dashboard-port"] {
        let output = refused("run", &data, &[flag, &port]).await;
        let sentence = output.one_sentence();
        assert!(sentence.contains(&port) && sentence.contains("in use"), "{flag}: {sentence}");
        assert_eq!(output.code, Some(1));
        assert!(!data.exists(), "{flag}: no folder was created");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_another_version_is_not_changed() {
    let mut system = System::start_empty().await;
    system.stop().await;
    let database = system.data().join("pipeline.db");
    assert!(!system.data().join("pipeline.db-wal").exists(), "a stopped pipeline leaves one file");
    let file = std::fs::File::options().write(true).open(&database).unwrap();
    file.write_all_at(&99_u32.to_be_bytes(), USER_VERSION_OFFSET).unwrap();
    drop(file);
    let before = std::fs::read(&database).unwrap();

    let server = refused("run", &system.data(), &[]).await;
    let tool = system.cli(&["flow"]).await;
    for (output, code) in [(&server, 1), (&tool, 4)] {
        let sentence = output.one_sentence();
        assert!(sentence.contains("another version") && sentence.contains("99"), "{sentence}");
        assert_eq!(output.code, Some(code));
    }
    assert_eq!(std::fs::read(&database).unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_another_program_is_not_changed() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("thesis.txt"), "years of work").unwrap();
    let output = refused("run", folder.path(), &["--fresh"]).await;
    let sentence = output.one_sentence();
    assert!(sentence.contains("was not changed"), "{sentence}");
    assert_eq!(std::fs::read_to_string(folder.path().join("thesis.txt")).unwrap(), "years of work");

    let file = folder.path().join("thesis.txt");
    let output = refused("run", &file, &[]).await;
    assert!(output.one_sentence().contains("thesis.txt"), "{output:?}");

    std::fs::write(folder.path().join("pipeline.db"), "this is no database, and longer than its header is")
        .unwrap();
    let output = refused("run", folder.path(), &[]).await;
    assert!(output.one_sentence().contains("can't use the data folder"), "{output:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tool_reads_and_acts_on_a_folder_whether_or_not_its_pipeline_runs() {
    let mut system = System::start_empty().await;
    system.write_schema("order.placed", &json!(false));
    system.accept("o1", "order.placed", &json!({})).await;
    system.until(&["dlq", "list"], |list| list["total"] == 1).await;
    system.write_schema("order.placed", &json!(true));
    let ports = system.ports();
    system.stop().await;

    assert_eq!(system.json(&["get", "o1"]).await["state"], "archived");
    let replay = system.cli(&["dlq", "replay", "o1", "--json"]).await;
    assert_eq!(replay.code, Some(0), "{replay:?}");
    assert_eq!(replay.json()["preflight"]["would_pass"], 1);
    assert_eq!(system.json(&["get", "o1"]).await["state"], "replaying");
    let send = system.cli(&["send", "--url", &format!("http://127.0.0.1:{}", ports.0), "{}"]).await;
    assert_eq!(send.code, Some(5), "the same command may succeed later");
    assert!(send.one_sentence().contains("check that the pipeline is running"), "{send:?}");

    system.start_again(ports).await;
    system.until(&["get", "o1"], |found| found["state"] == "stored").await;
    let flow = system.ledger().await;
    assert_eq!((&flow["stored"], &flow["unaccounted"]), (&json!(1), &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_without_data_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    for words in [&["flow"][..], &["dlq", "list"], &["fault", "start", "store-outage"], &["sign-in"]] {
        let output = run(Command::new(programs().spillway()).args(words).args(["--embedded", data])).await;
        assert_eq!(output.code, Some(4), "{output:?}");
        assert!(output.one_sentence().contains("has no Spillway data"), "{output:?}");
    }
    let attached = refused("dashboard", folder.path(), &[]).await;
    assert!(attached.one_sentence().contains("has no Spillway data"), "{attached:?}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "reading creates no files");
}

/// A stray file of each sort that editors, copy programs and mistakes leave in a folder of schemas.
fn leave_stray_files(folder: &Path) {
    for (name, text) in [
        (".#x.json", "{"),
        ("._x.json", "\u{0}\u{5}"),
        ("bom.json", "\u{feff}{}"),
        ("empty.json", ""),
        ("half.json", r#"{"type":"#),
        ("nonsense.json", r#"{"type":"nonsense"}"#),
    ] {
        std::fs::write(folder.join(name), text).expect("the folder can be written");
    }
    std::fs::create_dir(folder.join("folder.json")).expect("the folder can be written");
    std::os::unix::fs::symlink("nowhere", folder.join("dangling.json")).expect("the folder can be written");
    std::os::unix::fs::symlink("/dev/zero", folder.join("zero.json")).expect("the folder can be written");
}

#[tokio::test(flavor = "multi_thread")]
async fn stray_files_among_the_schemas_are_named_and_affect_no_other_type() {
    let number = json!({"properties": {"amount": {"type": "number"}}});
    let mut system = System::start(Setup { schemas: vec![("order", number)], ..Setup::default() }).await;
    let bad = ["dangling", "empty", "folder", "half", "nonsense", "zero"];
    leave_stray_files(&system.schemas());
    system.accept("o1", "order", &json!({"amount": 1})).await;
    system.until(&["get", "o1"], |found| found["state"] == "stored").await;

    let checked = system.cli(&["schemas", "check", "--json"]).await;
    let problems = checked.json()["problems"].to_string();
    assert_eq!(
        (checked.code, checked.json()["types"].clone()),
        (Some(1), json!(["bom", "order"])),
        "{problems}"
    );
    for name in bad {
        assert!(problems.contains(&format!("{name}.json")), "{name}: {problems}");
        assert!(system.log().contains(&format!("{name}.json")), "{name}: {}", system.log());
    }
    assert!(!problems.contains(".#x") && !problems.contains("._x"), "{problems}");
    for words in [&["flow"][..], &["get", "o1"], &["dlq", "list"], &["replays"]] {
        assert_eq!(system.cli(words).await.code, Some(0), "{words:?}");
    }

    // A restart is possible as well. Events of a type without its check are kept as dead letters.
    let ports = system.ports();
    system.stop().await;
    system.start_again(ports).await;
    system.accept("h1", "half", &json!({})).await;
    system.until(&["get", "h1"], |found| found["state"] == "archived").await;
    for name in bad {
        let file = system.schemas().join(format!("{name}.json"));
        if file.is_dir() { std::fs::remove_dir(file) } else { std::fs::remove_file(file) }.unwrap();
    }
    assert_eq!(system.cli(&["schemas", "check"]).await.code, Some(0));
    let replay = system.cli(&["dlq", "replay", "--all", "--wait"]).await;
    assert_eq!(replay.code, Some(0), "{replay:?}");
    assert_eq!(system.json(&["get", "h1"]).await["state"], "stored");
}
