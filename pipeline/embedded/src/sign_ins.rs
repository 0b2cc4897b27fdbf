//! One-time sign-in links and sessions, kept as hashes in the data folder.

use crate::db::{Db, DbError, millis};
use rand::TryRngCore;
use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};
use spillway_core::ports::Clock;
use std::fmt::Write as _;
use std::sync::Arc;

/// A link that nobody followed is worth nothing after this.
const TOKEN_SECONDS: i64 = 24 * 3600;
/// A session ends after this.
const SESSION_SECONDS: i64 = 12 * 3600;

/// Issues and checks sign-ins. The database only ever sees SHA-256 hashes of tokens.
pub struct SignIns {
    db: Arc<Db>,
    clock: Arc<dyn Clock>,
}

impl SignIns {
    /// Sign-ins kept in a database.
    pub fn new(db: Arc<Db>, clock: Arc<dyn Clock>) -> Self {
        Self { db, clock }
    }

    /// A new token for a link; good once, for a day.
    ///
    /// # Errors
    /// The data folder can't be written.
    pub async fn issue(&self) -> Result<String, DbError> {
        self.add("token", TOKEN_SECONDS).await
    }

    /// Turns a token into a session, once. `None` if it isn't good, or no longer.
    ///
    /// # Errors
    /// The data folder can't be written.
    pub async fn redeem(&self, token: &str) -> Result<Option<String>, DbError> {
        let (hash, now) = (hash(token), millis(self.clock.now()));
        let good = self
            .db
            .write(move |tx| {
                tx.execute("DELETE FROM sign_ins WHERE expires_at <= ?1", [now])?;
                tx.execute("DELETE FROM sign_ins WHERE hash = ?1 AND kind = 'token'", [hash])
            })
            .await?;
        if good == 1 { self.add("session", SESSION_SECONDS).await.map(Some) } else { Ok(None) }
    }

    /// Whether a session is good now.
    ///
    /// # Errors
    /// The data folder can't be read.
    pub async fn check(&self, session: &str) -> Result<bool, DbError> {
        let (hash, now) = (hash(session), millis(self.clock.now()));
        self.db
            .read(move |connection: &Connection| {
                connection
                    .prepare_cached(
                        "SELECT 1 FROM sign_ins WHERE hash = ?1 AND kind = 'session' AND expires_at > ?2",
                    )?
                    .query_row(params![hash, now], |_| Ok(()))
                    .optional()
            })
            .await
            .map(|found| found.is_some())
    }

    async fn add(&self, kind: &'static str, seconds: i64) -> Result<String, DbError> {
        let mut bytes = [0_u8; 32];
        rand::rngs::OsRng.try_fill_bytes(&mut bytes).map_err(|error| DbError::Other(error.to_string()))?;
        let secret = hexadecimal(&bytes);
        let (hash, expires_at) = (hash(&secret), millis(self.clock.now()) + seconds * 1000);
        self.db
            .write(move |tx| {
                tx.execute("INSERT INTO sign_ins VALUES (?1, ?2, ?3)", params![hash, kind, expires_at])
            })
            .await?;
        Ok(secret)
    }
}

fn hash(secret: &str) -> String {
    hexadecimal(&Sha256::digest(secret.as_bytes()))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
