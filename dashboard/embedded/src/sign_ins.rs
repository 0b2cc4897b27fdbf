//! The tokens of sign-in links, kept as hashes in the data folder. So another process can issue a link. Sessions are in the
//! memory of the dashboard's process.
//!
//! An operator must be able to sign in when the disk is full. Then a new link is an empty file whose name has the hash, which
//! needs no room.

use rand::TryRngCore as _;
use sha2::{Digest, Sha256};
use spillway_core::ports::Clock;
use spillway_embedded::Local;
use spillway_embedded::alarms::LINK_BASE;
use spillway_embedded::db::{Db, DbError};
use std::collections::HashSet;
use std::fs::File;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
    /// Hashes of used tokens that the database still has, because it could not be written.
    used: Arc<Mutex<HashSet<String>>>,
}

impl SignInTokens {
    /// The tokens in a pipeline's data folder.
    ///
    /// # Errors
    /// The data folder cannot be written.
    pub async fn open(local: &Local, clock: &Arc<dyn Clock>) -> Result<Self, DbError> {
        let db = Arc::clone(local.db());
        db.write(|tx| tx.execute_batch(TABLE)).await?;
        Ok(Self { db, clock: Arc::clone(clock), used: Arc::default() })
    }

    /// A new token for a link. It is valid once, for a day.
    ///
    /// # Errors
    /// The data folder takes neither data nor an empty file.
    pub async fn issue(&self) -> Result<String, DbError> {
        let mut bytes = [0_u8; 32];
        rand::rngs::OsRng.try_fill_bytes(&mut bytes).map_err(|error| DbError::Other(error.to_string()))?;
        // Its hash is as secret, and has letters and digits only.
        let token = format!("{:x}", Sha256::digest(bytes));
        let hash = hash(&token);
        let row = (hash.clone(), self.clock.now().as_millisecond() + TOKEN_SECONDS * 1000);
        let written = self.db.write(move |tx| tx.execute("INSERT INTO sign_in_tokens VALUES (?1, ?2)", row));
        let Err(error) = written.await else { return Ok(token) };
        let mut file = File::options();
        file.write(true).create_new(true).mode(0o600);
        file.open(self.link_file(&hash)).map(|_| token).map_err(|_| error)
    }

    /// Uses up a token. False if it is unknown, used or expired.
    ///
    /// # Errors
    /// The data folder cannot be read.
    pub async fn redeem(&self, token: &str) -> Result<bool, DbError> {
        let hash = hash(token);
        Ok(self.use_up(&hash).await? || self.take_link_file(&hash))
    }

    /// Uses up a token in the database. If that cannot be written, the token is remembered as used.
    async fn use_up(&self, hash: &str) -> Result<bool, DbError> {
        let now = self.clock.now().as_millisecond();
        let used: Vec<String> = self.used().iter().cloned().collect();
        let wanted = hash.to_owned();
        let deleted = self.db.write(move |tx| {
            tx.execute("DELETE FROM sign_in_tokens WHERE expires_at <= ?1", [now])?;
            for hash in used {
                tx.execute("DELETE FROM sign_in_tokens WHERE hash = ?1", [hash])?;
            }
            tx.execute("DELETE FROM sign_in_tokens WHERE hash = ?1", [wanted])
        });
        if let Ok(deleted) = deleted.await {
            self.used().clear();
            return Ok(deleted == 1);
        }
        const IS_VALID: &str =
            "SELECT EXISTS (SELECT 1 FROM sign_in_tokens WHERE hash = ?1 AND expires_at > ?2)";
        let wanted = hash.to_owned();
        let is_valid = self
            .db
            .read(move |connection| {
                connection.prepare_cached(IS_VALID)?.query_row((wanted, now), |row| row.get::<_, bool>(0))
            })
            .await?;
        Ok(is_valid && self.used().insert(hash.to_owned()))
    }

    /// Uses up a token that is a file: of two attempts at once, one removes it.
    fn take_link_file(&self, hash: &str) -> bool {
        let file = self.link_file(hash);
        let made = std::fs::symlink_metadata(&file).and_then(|metadata| metadata.modified());
        let Ok(made) = made.map(jiff::Timestamp::try_from) else { return false };
        let age = made.map(|made| self.clock.now().as_second() - made.as_second());
        std::fs::remove_file(file).is_ok() && age.is_ok_and(|age| age < TOKEN_SECONDS)
    }

    /// The file of a token that could not be written into the database.
    fn link_file(&self, hash: &str) -> PathBuf {
        self.db.folder().join(format!("sign-in.{hash}"))
    }

    fn used(&self) -> MutexGuard<'_, HashSet<String>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Records the dashboard's address in its data folder, for [`sign_in_link`]. Returns a new sign-in link.
///
/// # Errors
/// The data folder cannot be written.
pub async fn announce(local: &Local, clock: &Arc<dyn Clock>, url: &str) -> Result<String, DbError> {
    local.note(LINK_BASE, url).await?;
    sign_in_link_at(local, clock, url).await
}

/// A new link that signs in to the dashboard once; `None` if no dashboard was started on this data folder.
///
/// # Errors
/// The data folder cannot be read or written.
pub async fn sign_in_link(local: &Local, clock: &Arc<dyn Clock>) -> Result<Option<String>, DbError> {
    match local.fact(LINK_BASE).await? {
        Some(url) => sign_in_link_at(local, clock, &url).await.map(Some),
        None => Ok(None),
    }
}

/// A new link that signs in once to the dashboard with this address.
///
/// # Errors
/// The data folder cannot be written.
pub async fn sign_in_link_at(local: &Local, clock: &Arc<dyn Clock>, url: &str) -> Result<String, DbError> {
    let token = SignInTokens::open(local, clock).await?.issue().await?;
    Ok(format!("{}/sign-in?token={token}", url.trim_end_matches('/')))
}

fn hash(secret: &str) -> String {
    format!("{:x}", Sha256::digest(secret.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use spillway_embedded::{Options, Pipeline, RealClock};

    /// Refuses each write of sign-ins, as a full disk does.
    const REFUSE: &str = "
        CREATE TEMP TRIGGER no_insert BEFORE INSERT ON sign_in_tokens BEGIN SELECT RAISE(ABORT, 'the disk is full'); END;
        CREATE TEMP TRIGGER no_delete BEFORE DELETE ON sign_in_tokens BEGIN SELECT RAISE(ABORT, 'the disk is full'); END;";
    const TAKE: &str = "DROP TRIGGER no_insert; DROP TRIGGER no_delete;";

    async fn set(pipeline: &Pipeline, triggers: &'static str) {
        pipeline.local.db().write(move |tx| tx.execute_batch(triggers)).await.unwrap();
    }

    #[tokio::test]
    async fn an_operator_signs_in_once_with_each_link_while_nothing_can_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let pipeline = Pipeline::open(folder.path(), Options::at(Arc::new(RealClock))).await.unwrap();
        let sign_ins = SignInTokens::open(&pipeline.local, &pipeline.ports.clock).await.unwrap();
        let made_before = sign_ins.issue().await.unwrap();
        set(&pipeline, REFUSE).await;
        let made_meanwhile = sign_ins.issue().await.unwrap();
        for link in [&made_before, &made_meanwhile] {
            assert!(sign_ins.redeem(link).await.unwrap());
            assert!(!sign_ins.redeem(link).await.unwrap(), "once");
        }
        assert!(!sign_ins.redeem("made up").await.unwrap());

        set(&pipeline, TAKE).await;
        let link = sign_ins.issue().await.unwrap();
        assert!(sign_ins.redeem(&link).await.unwrap());
        let again = SignInTokens::open(&pipeline.local, &pipeline.ports.clock).await.unwrap();
        for link in [&made_before, &made_meanwhile] {
            assert!(!again.redeem(link).await.unwrap(), "nor after a restart");
        }
        let left = std::fs::read_dir(folder.path()).unwrap();
        let is_link = |name: std::ffi::OsString| name.to_string_lossy().starts_with("sign-in.");
        assert_eq!(left.filter(|file| is_link(file.as_ref().unwrap().file_name())).count(), 0);
    }
}
