//! One-time sign-in links and sessions, kept as hashes in the data folder.

use rand::TryRngCore as _;
use sha2::{Digest, Sha256};
use spillway_core::ports::Clock;
use spillway_embedded::Local;
use spillway_embedded::alarms::LINK_BASE;
use spillway_embedded::db::{Db, DbError};
use std::sync::Arc;

/// An unused link expires after this time.
const TOKEN_SECONDS: i64 = 24 * 3600;
/// A session expires after this time.
const SESSION_SECONDS: i64 = 12 * 3600;

/// The dashboard's table in the pipeline's database. It has only SHA-256 hashes of tokens.
const TABLE: &str = "CREATE TABLE IF NOT EXISTS sign_ins (
    hash TEXT PRIMARY KEY, kind TEXT NOT NULL, expires_at INTEGER NOT NULL
) WITHOUT ROWID";

/// Issues and checks sign-ins of the dashboard with that data folder.
#[derive(Clone)]
pub struct SignIns {
    db: Arc<Db>,
    clock: Arc<dyn Clock>,
}

impl SignIns {
    /// The sign-ins in a pipeline's data folder.
    ///
    /// # Errors
    /// The data folder cannot be written.
    pub async fn open(local: &Local, clock: &Arc<dyn Clock>) -> Result<Self, DbError> {
        let db = Arc::clone(local.db());
        db.write(|tx| tx.execute_batch(TABLE)).await?;
        Ok(Self { db, clock: Arc::clone(clock) })
    }

    /// A new token for a link. It is valid once, for a day.
    ///
    /// # Errors
    /// The data folder cannot be written.
    pub async fn issue(&self) -> Result<String, DbError> {
        self.add("token", TOKEN_SECONDS).await
    }

    /// Exchanges a token for a session, once. `None` if the token is unknown, used or expired.
    ///
    /// # Errors
    /// The data folder cannot be written.
    pub async fn redeem(&self, token: &str) -> Result<Option<String>, DbError> {
        let (hash, now) = (hash(token), self.clock.now().as_millisecond());
        let good = self
            .db
            .write(move |tx| {
                tx.execute("DELETE FROM sign_ins WHERE expires_at <= ?1", [now])?;
                tx.execute("DELETE FROM sign_ins WHERE hash = ?1 AND kind = 'token'", [hash])
            })
            .await?;
        if good == 1 { self.add("session", SESSION_SECONDS).await.map(Some) } else { Ok(None) }
    }

    /// Whether a session is valid now.
    ///
    /// # Errors
    /// The data folder cannot be read.
    pub async fn check(&self, session: &str) -> Result<bool, DbError> {
        const IS_GOOD: &str =
            "SELECT EXISTS (SELECT 1 FROM sign_ins WHERE hash = ?1 AND kind = 'session' AND expires_at > ?2)";
        let (hash, now) = (hash(session), self.clock.now().as_millisecond());
        self.db
            .read(move |connection| {
                connection.prepare_cached(IS_GOOD)?.query_row((hash, now), |row| row.get(0))
            })
            .await
    }

    async fn add(&self, kind: &'static str, seconds: i64) -> Result<String, DbError> {
        let mut bytes = [0_u8; 32];
        rand::rngs::OsRng.try_fill_bytes(&mut bytes).map_err(|error| DbError::Other(error.to_string()))?;
        // Its hash is as secret, and has letters and digits only.
        let secret = format!("{:x}", Sha256::digest(bytes));
        let (hash, expires_at) = (hash(&secret), self.clock.now().as_millisecond() + seconds * 1000);
        self.db
            .write(move |tx| tx.execute("INSERT INTO sign_ins VALUES (?1, ?2, ?3)", (hash, kind, expires_at)))
            .await?;
        Ok(secret)
    }
}

/// Records the dashboard's address in its data folder, for [`sign_in_link`]. Returns a new sign-in link.
///
/// # Errors
/// The data folder cannot be written.
pub async fn announce(local: &Local, clock: &Arc<dyn Clock>, url: &str) -> Result<String, DbError> {
    local.note(LINK_BASE, url).await?;
    link(local, clock, url).await
}

/// A new link that signs in to the dashboard once; `None` if no dashboard was started on this data folder.
///
/// # Errors
/// The data folder cannot be read or written.
pub async fn sign_in_link(local: &Local, clock: &Arc<dyn Clock>) -> Result<Option<String>, DbError> {
    match local.fact(LINK_BASE).await? {
        Some(url) => link(local, clock, &url).await.map(Some),
        None => Ok(None),
    }
}

async fn link(local: &Local, clock: &Arc<dyn Clock>, url: &str) -> Result<String, DbError> {
    let token = SignIns::open(local, clock).await?.issue().await?;
    Ok(format!("{}/sign-in?token={token}", url.trim_end_matches('/')))
}

fn hash(secret: &str) -> String {
    format!("{:x}", Sha256::digest(secret.as_bytes()))
}
