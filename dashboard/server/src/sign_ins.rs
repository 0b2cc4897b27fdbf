//! Sign-ins: tokens of one-time links, and sessions.

use async_trait::async_trait;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use rand::{TryRngCore, rngs::OsRng};
use sha2::{Digest, Sha256};
use spillway_core::ports::Clock;
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};
use thiserror::Error;

/// The lifetime of a session.
pub const SESSION: SignedDuration = SignedDuration::from_hours(12);
/// The lifetime of a token that nobody uses.
const TOKEN: SignedDuration = SignedDuration::from_hours(24);

/// The tokens of sign-in links. Implementations store only the [`digest`] of a token, so that the stored data does not
/// allow a sign-in.
#[async_trait]
pub trait Tokens: Send + Sync {
    /// Creates a token that opens one session within 24 hours.
    async fn issue(&self) -> Result<Secret, SignInError>;

    /// Uses up a token. False if it is unknown, used or expired. Of two concurrent attempts, one succeeds.
    async fn redeem(&self, token: &str) -> Result<bool, SignInError>;
}

/// Why sign-in does not work now.
#[derive(Debug, Error)]
pub enum SignInError {
    /// The operating system has no random numbers.
    #[error("the operating system gives no random numbers")]
    NoRandomness,
    /// The store does not answer.
    #[error("the store of sign-in links does not answer")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A random token or session of 256 bits. Shown only by [`Secret::reveal`], never by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A secret from a store. It must be valid in a URL and in a cookie without encoding: letters, digits, `-` and `_`.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// A new secret.
    ///
    /// # Errors
    /// The operating system gives no random numbers.
    pub fn random() -> Result<Self, SignInError> {
        let mut bytes = [0; 32];
        OsRng.try_fill_bytes(&mut bytes).map_err(|_| SignInError::NoRandomness)?;
        Ok(Self(BASE64_URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// The text for a link or a cookie. It needs no encoding.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The stored form of a secret: its SHA-256. Secrets are random, so no salt is needed.
pub fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// The open sessions of this process. They end with it: a session that was taken from a browser is of no use after a
/// restart.
pub struct Sessions(Expiring);

impl Sessions {
    /// No session is open.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self(Expiring::new(clock))
    }

    /// Opens a session of 12 hours.
    ///
    /// # Errors
    /// The operating system gives no random numbers.
    pub fn open(&self) -> Result<Secret, SignInError> {
        self.0.add(SESSION)
    }

    /// Whether a session is open.
    pub fn check(&self, session: &str) -> bool {
        self.0.has(session)
    }

    /// Ends a session.
    pub fn end(&self, session: &str) {
        self.0.remove(session);
    }

    /// Ends all sessions.
    pub fn end_all(&self) {
        self.0.clear();
    }
}

/// Tokens that end with the process.
pub struct InMemoryTokens(Expiring);

impl InMemoryTokens {
    /// An empty store.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self(Expiring::new(clock))
    }
}

#[async_trait]
impl Tokens for InMemoryTokens {
    async fn issue(&self) -> Result<Secret, SignInError> {
        self.0.add(TOKEN)
    }

    async fn redeem(&self, token: &str) -> Result<bool, SignInError> {
        Ok(self.0.remove(token))
    }
}

/// Secrets that expire, as digests.
struct Expiring {
    clock: Arc<dyn Clock>,
    ends: Mutex<HashMap<[u8; 32], Timestamp>>,
}

impl Expiring {
    fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, ends: Mutex::default() }
    }

    /// Does some work on the secrets that have not expired.
    fn with<T>(&self, work: impl FnOnce(&mut HashMap<[u8; 32], Timestamp>) -> T) -> T {
        let now = self.clock.now();
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        ends.retain(|_, ends| *ends > now);
        work(&mut ends)
    }

    fn add(&self, lifetime: SignedDuration) -> Result<Secret, SignInError> {
        let secret = Secret::random()?;
        let ends_at = self.clock.now() + lifetime;
        self.with(|ends| ends.insert(digest(secret.reveal()), ends_at));
        Ok(secret)
    }

    fn has(&self, secret: &str) -> bool {
        self.with(|ends| ends.contains_key(&digest(secret)))
    }

    fn remove(&self, secret: &str) -> bool {
        self.with(|ends| ends.remove(&digest(secret)).is_some())
    }

    fn clear(&self) {
        self.with(HashMap::clear);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spillway_testkit::ManualClock;
    use std::time::Duration;

    fn clock() -> Arc<ManualClock> {
        Arc::new(ManualClock::at("2026-03-10T03:00:00Z".parse().unwrap()))
    }

    #[tokio::test]
    async fn a_token_is_valid_once_and_for_a_day() {
        let clock = clock();
        let tokens = InMemoryTokens::new(clock.clone());
        let (token, late) = (tokens.issue().await.unwrap(), tokens.issue().await.unwrap());
        clock.advance(Duration::from_secs(24 * 3600 - 1));
        assert!(tokens.redeem(token.reveal()).await.unwrap());
        assert!(!tokens.redeem(token.reveal()).await.unwrap(), "a token is valid once");
        assert!(!tokens.redeem("made-up").await.unwrap());
        clock.advance(Duration::from_secs(1));
        assert!(!tokens.redeem(late.reveal()).await.unwrap(), "and expires after a day");
    }

    #[test]
    fn a_session_lasts_twelve_hours() {
        let clock = clock();
        let sessions = Sessions::new(clock.clone());
        let session = sessions.open().unwrap();
        assert!(!sessions.check("made-up"));
        clock.advance(Duration::from_secs(12 * 3600 - 1));
        assert!(sessions.check(session.reveal()));
        clock.advance(Duration::from_secs(1));
        assert!(!sessions.check(session.reveal()));
    }

    #[test]
    fn sessions_end_one_by_one_or_together() {
        let sessions = Sessions::new(clock());
        let [first, second, third] = [(); 3].map(|()| sessions.open().unwrap());
        let open = || [&first, &second, &third].map(|session| sessions.check(session.reveal()));
        sessions.end(second.reveal());
        assert_eq!(open(), [true, false, true]);
        sessions.end_all();
        assert_eq!(open(), [false, false, false]);
    }

    #[test]
    fn secrets_are_long_distinct_and_not_printed() {
        let (one, other) = (Secret::random().unwrap(), Secret::random().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.reveal().len(), 43, "256 bits in base64");
        assert_eq!(format!("{one:?}"), "Secret(…)");
    }
}
