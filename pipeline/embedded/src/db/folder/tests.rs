use super::*;

#[test]
fn one_pipeline_at_a_time_but_others_may_attach() {
    let dir = tempfile::tempdir().unwrap();
    let owner = DataFolder::own(dir.path()).unwrap();
    let error = DataFolder::own(dir.path()).unwrap_err();
    assert!(error.to_string().starts_with("a pipeline is already running"), "{error}");
    DataFolder::attach(dir.path()).unwrap();
    assert!(DataFolder::is_in_use(dir.path()));
    drop(owner);
    assert!(!DataFolder::is_in_use(dir.path()) && !DataFolder::is_in_use(&dir.path().join("none")));
    DataFolder::own(dir.path()).unwrap();
}

#[test]
fn attaching_neither_waits_for_a_writer_nor_writes() {
    let dir = tempfile::tempdir().unwrap();
    let owner = DataFolder::own(dir.path()).unwrap();
    let writer = owner.connect(Durability::Full).unwrap();
    writer.execute_batch("BEGIN IMMEDIATE").unwrap();
    DataFolder::attach(dir.path()).unwrap();
    writer.execute_batch("COMMIT").unwrap();
}

#[test]
fn an_older_folder_gets_what_it_lacks() {
    let dir = tempfile::tempdir().unwrap();
    let owner = DataFolder::own(dir.path()).unwrap();
    let writer = owner.connect(Durability::Full).unwrap();
    writer
        .execute_batch(
            "DROP INDEX dead_letters_ends; DROP INDEX replay_items_sent; DROP TABLE replay_counts; DROP TRIGGER replay_item_added;
                 DROP TRIGGER replay_item_changed; CREATE INDEX messages_visible ON messages (queue);
                 CREATE INDEX dead_letters_search ON dead_letters (state);
                 INSERT INTO replay_items VALUES ('r', 'a', 'waiting', 0), ('r', 'b', 'waiting', 0);
                 DROP TABLE dead_letter_tally; DROP TRIGGER dead_letter_added_to_tally;
                 DROP TRIGGER dead_letter_moved_in_tally; DROP TRIGGER dead_letter_removed_from_tally;
                 INSERT INTO dead_letters VALUES (1, 'letter', NULL, NULL, NULL, 'archived', '{}', NULL, 'group', 'schema', '',
                     7, 0, 1, 0, NULL, '{}', '[]', '[]', '');",
        )
        .unwrap();
    DataFolder::attach(dir.path()).unwrap();
    let names = "SELECT count(*) FROM sqlite_schema WHERE name IN ('dead_letters_ends', 'dead_letters_search', 'messages_visible')";
    let number = |sql: &str| -> usize { writer.query_row(sql, [], |row| row.get(0)).unwrap() };
    assert_eq!(number(names), 1);
    assert_eq!(number("SELECT items FROM replay_counts WHERE replay_id = 'r' AND state = 'waiting'"), 2);
    assert_eq!(number("SELECT letters * newest FROM dead_letter_tally WHERE fingerprint = 'group'"), 7);
    writer.execute_batch("DELETE FROM dead_letters").unwrap();
    assert_eq!(number("SELECT sum(letters) FROM dead_letter_tally"), 0, "and the triggers are there");
}

#[test]
fn another_program_s_database_is_left_as_it_is() {
    // Other programs number their versions too. Some number like this program.
    for version in [0, VERSION, 7] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(DATABASE);
        let foreign = Connection::open(&path).unwrap();
        foreign.execute_batch("CREATE TABLE theirs (a); CREATE TABLE store (b)").unwrap();
        foreign.pragma_update(None, "user_version", version).unwrap();
        drop(foreign);
        let before = std::fs::read(&path).unwrap();
        for opened in [DataFolder::attach(dir.path()), DataFolder::own(dir.path())] {
            let error = opened.unwrap_err();
            assert!(matches!(error, OpenError::NotOurs(_)), "{error}");
        }
        assert!(std::fs::read(&path).unwrap() == before, "version {version}");
    }
}

#[test]
fn a_folder_that_cannot_be_looked_into_is_not_called_empty() {
    let dir = tempfile::tempdir().unwrap();
    // A test that runs as root may read everything. Nobody can follow a link to itself.
    let circle = dir.path().join("circle");
    std::os::unix::fs::symlink(&circle, &circle).unwrap();
    let error = DataFolder::attach(&circle).unwrap_err();
    assert!(matches!(error, OpenError::Unusable { .. }), "{error}");
    for missing in ["nothing", "file/below"] {
        std::fs::write(dir.path().join("file"), "").unwrap();
        let error = DataFolder::attach(&dir.path().join(missing)).unwrap_err();
        assert!(matches!(error, OpenError::Missing(_)), "{error}");
    }
}

#[test]
fn a_file_that_is_no_database_is_named() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(DATABASE), "no database".repeat(100)).unwrap();
    for opened in [DataFolder::attach(dir.path()), DataFolder::own(dir.path())] {
        let error = opened.unwrap_err().to_string();
        assert!(error.contains("pipeline.db is not a SQLite database"), "{error}");
    }
}

#[test]
fn an_empty_database_has_nothing_to_attach_to_and_can_be_owned() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(DATABASE), "").unwrap();
    assert!(matches!(DataFolder::attach(dir.path()), Err(OpenError::Missing(_))));
    DataFolder::own(dir.path()).unwrap();
}

/// A copy of a stopped pipeline's folder, changed by some SQL, in which SQLite can make no log, as on a read-only disk.
/// Permissions do not stop a test that runs as root.
fn read_only_copy(change: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let owner = DataFolder::own(dir.path()).unwrap();
    owner.connect(Durability::Full).unwrap().execute_batch(change).unwrap();
    drop(owner);
    // SQLite follows no link there, and so it can't open the file.
    std::os::unix::fs::symlink("nowhere", dir.path().join(format!("{DATABASE}-shm"))).unwrap();
    dir
}

#[test]
fn a_copy_where_nothing_can_be_written_is_read() {
    let dir = read_only_copy("");
    let folder = DataFolder::attach(dir.path()).unwrap();
    assert!(!folder.can_be_written());
    let tables = "SELECT count(*) FROM sqlite_schema WHERE name = 'messages'";
    let found: usize = folder.connect_reader().unwrap().query_row(tables, [], |row| row.get(0)).unwrap();
    assert_eq!(found, 1);
}

#[test]
fn a_read_only_copy_with_changes_in_its_log_is_refused_with_what_to_do() {
    let dir = read_only_copy("");
    std::fs::write(dir.path().join(format!("{DATABASE}-wal")), "changes").unwrap();
    let error = DataFolder::attach(dir.path()).unwrap_err().to_string();
    assert!(error.contains("pipeline.db-wal") && error.contains("copy the folder"), "{error}");
}

#[test]
fn a_read_only_copy_that_lacks_something_is_refused_with_what_to_do() {
    let dir = read_only_copy("DROP TRIGGER dead_letter_removed_from_tally");
    let error = DataFolder::attach(dir.path()).unwrap_err().to_string();
    assert!(error.contains("an older Spillway wrote it") && error.contains("copy the folder"), "{error}");
}

#[test]
fn a_path_with_the_characters_of_a_uri_is_the_same_path() {
    assert_eq!(as_uri(Path::new("/a b/50%?#/x.db")), "file:/a b/50%25%3f%23/x.db?immutable=1");
}

#[test]
fn reads_that_grow_with_a_backlog_use_covering_indexes() {
    let dir = tempfile::tempdir().unwrap();
    let reader = DataFolder::own(dir.path()).unwrap().connect_reader().unwrap();
    let plan = |sql: &str| -> String {
        let mut plan = reader.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        // The values do not matter.
        let lines = plan.raw_query().mapped(|row| row.get::<_, String>(3));
        lines.map(Result::unwrap).collect::<Vec<_>>().join("\n")
    };
    for (sql, index) in [
        (crate::ledger::WAITING.to_owned(), "messages_waiting (queue=? AND visible_at<?)"),
        (crate::ledger::WAITING.to_owned(), "messages_waiting (queue=? AND visible_at>?)"),
        (crate::ledger::IN_DLQ_ROWS.to_owned(), "messages_waiting (queue=?)"),
        (crate::ledger::WAITING.to_owned(), "messages_replayed (queue=? AND visible_at<?)"),
        (format!("{} <= ?2", crate::queue::COUNT), "messages_waiting (queue=? AND visible_at<?)"),
        (crate::queue::OLDEST.to_owned(), "messages_waiting (queue=?)"),
        (crate::queue::RECEIVED.to_owned(), "messages_received (queue=?)"),
    ] {
        let plan = plan(&sql);
        assert!(plan.contains(&format!("USING COVERING INDEX {index}")), "{plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{plan}");
    }
    for (sql, index) in [
        (crate::locate::QUEUED_EVENT.to_owned(), "messages_event (<expr>=?)"),
        (crate::locate::STORED_EVENT.to_owned(), "store_key (event_id=?)"),
        (crate::locate::DEAD_EVENT.to_owned(), "dead_letters_event (event_id=?)"),
        (crate::archive::newest_replays(), "replays_started"),
        (crate::archive::UNFINISHED.to_owned(), "replay_items_sent (replay_id=? AND state=?)"),
        (crate::archive::OVERDUE.to_owned(), "replay_items_sent (replay_id=? AND state=? AND at<?)"),
        (crate::archive::WAITING.to_owned(), "replay_items_sent (replay_id=? AND state=?)"),
        (crate::archive::ITEMS.to_owned(), "PRIMARY KEY (replay_id=? AND dead_letter_id>?)"),
        (crate::ops::ENTRIES_ABOUT.to_owned(), "audit_subject (subject=?)"),
    ] {
        let plan = plan(&sql);
        assert!(plan.contains(index) && !plan.contains("SCAN replay_items"), "{plan}");
        // The dead letters of one event are few.
        let is_sorted = sql == crate::locate::DEAD_EVENT;
        assert!(is_sorted || !plan.contains("TEMP B-TREE"), "{plan}");
    }
    // The table of counts has a row for each combination, however many dead letters there are.
    let badge = plan("SELECT sum(letters) FROM dead_letter_tally WHERE state = 'archived'");
    assert!(badge.contains("PRIMARY KEY (state=?)"), "{badge}");
}

#[test]
fn an_error_of_the_database_is_said_once() {
    let error = OpenError::unusable(Path::new("/d"), DbError::Other("broken".to_owned()));
    assert_eq!(error.to_string(), "can't use the data folder /d: broken");
}

#[test]
fn another_version_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let folder = DataFolder::own(dir.path()).unwrap();
    folder.connect(Durability::Full).unwrap().pragma_update(None, "user_version", 99).unwrap();
    drop(folder);
    let error = DataFolder::own(dir.path()).unwrap_err().to_string();
    assert!(error.contains("data version 99, this one has 1"), "{error}");
}

#[test]
fn only_its_owner_can_read_a_folder_and_a_folder_that_others_can_change_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new/data");
    drop(DataFolder::own(&path).unwrap());
    let mode = |path: &Path| std::fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!((mode(&path), mode(&path.join(DATABASE))), (0o700, 0o600));
    assert_eq!(mode(&path.join("pipeline.lock")), 0o600);
    let writable = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(&path, writable).unwrap();
    let error = DataFolder::own(&path).unwrap_err();
    assert!(matches!(error, OpenError::Exposed(_)) && error.to_string().contains("chmod go-w"), "{error}");
}

#[test]
fn a_link_in_the_place_of_a_file_is_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("precious");
    std::fs::write(&target, "text").unwrap();
    let path = dir.path().join("data");
    DirBuilder::new().mode(0o700).create(&path).unwrap();
    std::os::unix::fs::symlink(&target, path.join(DATABASE)).unwrap();
    assert!(matches!(DataFolder::own(&path), Err(OpenError::Unusable { .. })));
    assert_eq!(std::fs::read_to_string(&target).unwrap(), "text");
}

#[test]
fn an_empty_folder_has_nothing_to_attach_to() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(DataFolder::attach(dir.path()), Err(OpenError::Missing(_))));
}
