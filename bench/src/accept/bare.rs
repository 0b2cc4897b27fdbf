//! The peers: an axum handler that inserts one row per request and answers when the row is on disk. It checks,
//! measures, traces and consumes nothing.

use super::{Kept, Running};
use anyhow::{Context, Result, anyhow};
use axum::serve::ListenerExt;
use axum::{Router, http::StatusCode, routing};
use rusqlite::Connection;
use spillway_embedded::db::{DataFolder, Db};
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

const TABLE: &str = "CREATE TABLE bare (id INTEGER PRIMARY KEY, body TEXT NOT NULL)";
const INSERT: &str = "INSERT INTO bare (body) VALUES (?1)";
const COUNT: &str = "SELECT count(*) FROM bare";

type Counting = Pin<Box<dyn Future<Output = Result<u64>> + Send>>;

/// A handler. Its counter returns the number of inserted rows once it has stopped.
pub(super) struct Bare {
    app: Router,
    count: Counting,
}

/// Each request commits separately, with the same durability as Spillway: a write-ahead log that is synced at each
/// commit.
pub(super) fn commit_each(folder: &Path) -> Result<Bare> {
    let connection = Connection::open(folder.join("bare.db"))?;
    connection.execute_batch("PRAGMA journal_mode = wal; PRAGMA synchronous = full")?;
    connection.execute_batch(TABLE)?;
    let connection = Arc::new(Mutex::new(connection));
    let of_count = Arc::clone(&connection);
    let handler = move |body: String| {
        let connection = Arc::clone(&connection);
        async move {
            let inserted = tokio::task::spawn_blocking(move || {
                let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
                insert(&connection, &body)
            });
            answer(inserted.await.ok().and_then(Result::ok))
        }
    };
    let count = Box::pin(async move {
        let connection = of_count.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(connection.query_row(COUNT, [], |row| row.get(0))?)
    });
    Ok(Bare { app: Router::new().route("/events", routing::post(handler)), count })
}

/// Requests that arrive together share a commit, through Spillway's own writer.
pub(super) async fn group_commit(folder: &Path) -> Result<Bare> {
    let db = Arc::new(Db::open(DataFolder::own(folder)?)?);
    db.write(|connection| connection.execute_batch(TABLE)).await?;
    let of_count = Arc::clone(&db);
    let handler = move |body: String| {
        let db = Arc::clone(&db);
        async move { answer(db.write(move |connection| insert(connection, &body)).await.ok()) }
    };
    let count = Box::pin(async move {
        Ok(of_count.read(|connection| connection.query_row(COUNT, [], |row| row.get(0))).await?)
    });
    Ok(Bare { app: Router::new().route("/events", routing::post(handler)), count })
}

fn insert(connection: &Connection, body: &str) -> rusqlite::Result<i64> {
    connection.prepare_cached(INSERT)?.execute([body])?;
    Ok(connection.last_insert_rowid())
}

fn answer(id: Option<i64>) -> (StatusCode, String) {
    match id {
        Some(id) => (StatusCode::ACCEPTED, format!(r#"{{"id":{id}}}"#)),
        None => (StatusCode::SERVICE_UNAVAILABLE, String::new()),
    }
}

/// Serves the handler like Spillway's own gateway: small answers are sent at once.
pub(super) async fn start(bare: Bare) -> Result<Running> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let listener = listener.tap_io(|stream| {
        // Without this the peer would only be slower.
        let _ = stream.set_nodelay(true);
    });
    let (stop, stopped) = oneshot::channel();
    let served = tokio::spawn(async move {
        let shutdown = async {
            let _ = stopped.await;
        };
        let Bare { app, count } = bare;
        axum::serve(listener, app).with_graceful_shutdown(shutdown).await.context("the socket failed")?;
        let accepted = count.await.map_err(|error| anyhow!("rows could not be counted: {error}"))?;
        Ok(Kept { accepted, stored: None })
    });
    Ok(Running { address, stop, served })
}
