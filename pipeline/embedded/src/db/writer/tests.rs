use super::*;
use crate::ledger::{self, Counter};

fn count(connection: &Connection) -> rusqlite::Result<u64> {
    ledger::count(connection, Counter::Accepted)
}

fn add(connection: &Connection) -> rusqlite::Result<()> {
    ledger::raise(connection, Counter::Accepted)
}

#[tokio::test]
async fn failed_work_does_not_undo_other_work() {
    let dir = tempfile::tempdir().unwrap();
    let db = Db::open(DataFolder::own(dir.path()).unwrap()).unwrap();
    let bad = db.write(|connection| {
        add(connection)?;
        connection.execute("nonsense", [])
    });
    let (bad, good) = tokio::join!(bad, db.write(add));
    assert!(bad.is_err());
    good.unwrap();
    assert_eq!(db.read(count).await, Ok(1));
}

#[tokio::test]
async fn a_full_disk_is_reported_and_writing_resumes() {
    let dir = tempfile::tempdir().unwrap();
    let db = Db::open(DataFolder::own(dir.path()).unwrap()).unwrap();
    let limit = |pages: i64| {
        move |connection: &Connection| {
            connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |row| row.get::<_, i64>(0))
        }
    };
    let fill = |connection: &Connection| {
        add(connection)?;
        connection.execute("INSERT INTO facts VALUES ('big', zeroblob(2000000))", [])
    };
    db.write(limit(1)).await.unwrap();
    let (one, two) = tokio::join!(db.write(fill), db.write(add));
    assert_eq!(one, Err(DbError::Full));
    assert_eq!(db.trouble(), Some(DbError::Full), "it is known until a write succeeds");
    assert!(db.write(|connection| connection.execute("DELETE FROM facts WHERE 0", [])).await.is_ok());
    assert_eq!(db.trouble(), Some(DbError::Full), "a transaction without a change proves nothing");
    // Its neighbour was in the same transaction or in the next: done as promised, or not at all.
    let expected = u64::from(two.is_ok());
    assert_eq!(db.read(count).await, Ok(expected));
    db.write(limit(1_000_000)).await.unwrap();
    db.write(fill).await.unwrap();
    assert_eq!(db.read(count).await, Ok(expected + 1));
}

#[tokio::test]
async fn large_work_is_done_in_parts_and_a_part_that_fails_ends_it() {
    let dir = tempfile::tempdir().unwrap();
    let db = Db::open(DataFolder::own(dir.path()).unwrap()).unwrap();
    let items: Vec<usize> = (0..PART * 3).collect();
    let work = |connection: &Connection, part: &[usize]| {
        add(connection)?;
        if part.contains(&(PART * 2)) {
            connection.execute("nonsense", [])?;
        }
        Ok(part.len())
    };
    let (done, error) = db.write_in_parts(&items, work).await;
    assert_eq!(done, [PART, PART]);
    assert!(error.is_some());
    assert_eq!(db.read(count).await, Ok(2), "the part that failed left nothing");
}

#[tokio::test]
async fn the_log_is_emptied_although_readers_overlap() {
    let dir = tempfile::tempdir().unwrap();
    let db = Db::open_with(DataFolder::own(dir.path()).unwrap(), 100_000, Duration::ZERO).unwrap();
    let reader = DataFolder::attach(dir.path()).unwrap().connect_reader().unwrap();
    let log = || std::fs::metadata(dir.path().join("pipeline.db-wal")).unwrap().len();
    let fill = |number: usize| {
        move |connection: &Connection| {
            connection.execute("INSERT INTO facts VALUES (?1, zeroblob(60000))", [number.to_string()])
        }
    };
    for number in 0..4 {
        // This reader has seen the state before, so the log can't start again.
        reader.execute_batch("BEGIN; SELECT count(*) FROM facts;").unwrap();
        db.write(fill(number)).await.unwrap();
        reader.execute_batch("COMMIT").unwrap();
    }
    // The answer comes before the log is emptied, so the next write waits for it.
    db.write(add).await.unwrap();
    db.write(add).await.unwrap();
    assert!(log() < 100_000, "{}", log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_readers_at_once_only_some_connections_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let db = Db::open(DataFolder::own(dir.path()).unwrap()).unwrap();
    let together = Arc::new(std::sync::Barrier::new(3 * MOST_IDLE));
    let read = |_| {
        let together = Arc::clone(&together);
        db.read(move |connection| {
            together.wait();
            count(connection)
        })
    };
    let answers = futures::future::join_all((0..3 * MOST_IDLE).map(read)).await;
    assert!(answers.iter().all(Result::is_ok));
    let Mode::Shared(shared) = &db.mode else { panic!("it can be written") };
    assert_eq!(lock(&shared.readers.idle).len(), MOST_IDLE);
}

#[tokio::test]
async fn the_end_of_the_writer_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let db = Db::open(DataFolder::own(dir.path()).unwrap()).unwrap();
    db.write(add).await.unwrap();
    assert!(futures::poll!(std::pin::pin!(db.writer_ended())).is_pending());
    let died = db.write(|_| -> rusqlite::Result<()> { panic!("a bug in some work") }).await;
    assert_eq!(died, Err(DbError::closed()));
    db.writer_ended().await;
    assert_eq!(db.write(add).await, Err(DbError::closed()));
}

#[tokio::test]
async fn a_folder_that_is_closed_has_no_log_left() {
    let dir = tempfile::tempdir().unwrap();
    let db = Db::open(DataFolder::own(dir.path()).unwrap()).unwrap();
    db.write(add).await.unwrap();
    assert_eq!(db.read(count).await, Ok(1));
    let log = dir.path().join("pipeline.db-wal");
    assert!(log.exists());
    drop(db);
    assert!(!log.exists());
}

#[tokio::test]
async fn a_simulation_is_on_disk_once_it_ends() {
    let dir = tempfile::tempdir().unwrap();
    let db = Db::open_simulated(DataFolder::own(dir.path()).unwrap()).unwrap();
    db.write(add).await.unwrap();
    assert_eq!(db.read(count).await, Ok(1));
    drop(db);
    let db = Db::open(DataFolder::own(dir.path()).unwrap()).unwrap();
    assert_eq!(db.read(count).await, Ok(1));
}
