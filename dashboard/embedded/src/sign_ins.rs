//! The tokens of sign-in links, kept as hashes in the data folder. So another process can issue a link. Sessions are in the
//! memory of the dashboard's process.

use rand::TryRngCore as _;
use sha2::{Digest, Sha256};
use spillway_core::ports::Clock;
use spillway_embedded::Local;
use spillway_embedded::alarms::LINK_BASE;
use spillway_embedded::db::{Db, DbError};
use std::sync::Arc;

/// An unused link expires after this time.
const TOKEN_SECONDS: i64 = 24 * 3600;

/// The dashboard's table in the pipeline's database. It has only SHA-256 hashes of tokens. The table before it also had
/// sessions, which are not valid any more.
const TABLE: &str = "DROP TABLE IF EXISTS sign_ins;
    CREATE TABLE IF NOT EXISTS sign_in_tokens (hash TEXT PRIMARY KEY, expires_at INTEGER NOT NULL) WITHOUT ROWID";

/// Issues and redeems the tokens of the dashboard with that data folder.
#[derive(Clone)]
pub struct SignInTokens {
    db: Arc<Db>,
    clock: Arc<dyn Clock>,
}

impl SignInTokens {
    /// The tokens in a pipeline's data folder.
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
        let mut bytes = [0_u8; 32];
        rand::rngs::OsRng.try_fill_bytes(&mut bytes).map_err(|error| DbError::Other(error.to_string()))?;
        // Its hash is as secret, and has letters and digits only.
        let token = format!("{:x}", Sha256::digest(bytes));
        let (hash, expires_at) = (hash(&token), self.clock.now().as_millisecond() + TOKEN_SECONDS * 1000);
        self.db
            .write(move |tx| tx.execute("INSERT INTO sign_in_tokens VALUES (?1, ?2)", (hash, expires_at)))
            .await?;
        Ok(token)
    }

    /// Uses up a token. False if it is unknown, used or expired.
    ///
    /// # Errors
    /// The data folder cannot be written.
    pub async fn redeem(&self, token: &str) -> Result<bool, DbError> {
        let (hash, now) = (hash(token), self.clock.now().as_millisecond());
        let used = self
            .db
            .write(move |tx| {
                tx.execute("DELETE FROM sign_in_tokens WHERE expires_at <= ?1", [now])?;
                tx.execute("DELETE FROM sign_in_tokens WHERE hash = ?1", [hash])
            })
            .await?;
        Ok(used == 1)
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
    let token = SignInTokens::open(local, clock).await?.issue().await?;
    Ok(format!("{}/sign-in?token={token}", url.trim_end_matches('/')))
}

fn hash(secret: &str) -> String {
    format!("{:x}", Sha256::digest(secret.as_bytes()))
}
