//! Sign-ins: one-time links and sessions.

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

/// The lifetime of an unused token, the same as that of a link to a data folder's dashboard.
const TOKEN: SignedDuration = SignedDuration::from_hours(24);
/// The lifetime of a session.
pub const SESSION: SignedDuration = SignedDuration::from_hours(12);

/// Tokens and sessions. Implementations store only the [`digest`] of both, so that the stored data does not allow a
/// sign-in.
#[async_trait]
pub trait SignIns: Send + Sync {
    /// Creates a token that opens one session within 24 hours.
    async fn issue(&self) -> Result<Secret, SignInError>;

    /// Uses up a token and opens a session of 12 hours. `None` if the token is unknown or used. Of two concurrent
    /// attempts, one succeeds.
    async fn redeem(&self, token: &str) -> Result<Option<Secret>, SignInError>;

    /// Whether a session is open.
    async fn check(&self, session: &str) -> Result<bool, SignInError>;
}

/// Why sign-in does not work now.
#[derive(Debug, Error)]
pub enum SignInError {
    /// The operating system has no random numbers.
    #[error("the operating system gives no random numbers")]
    NoRandomness,
    /// The store does not answer.
    #[error("the store of sessions does not answer")]
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

/// Tokens and sessions that end with the process.
pub struct InMemorySignIns {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Each with its end, as sessions.
    tokens: HashMap<[u8; 32], Timestamp>,
    sessions: HashMap<[u8; 32], Timestamp>,
}

impl InMemorySignIns {
    /// An empty store.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Mutex::default() }
    }

    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl SignIns for InMemorySignIns {
    async fn issue(&self) -> Result<Secret, SignInError> {
        let token = Secret::random()?;
        let now = self.clock.now();
        self.with(|state| {
            state.tokens.retain(|_, ends| *ends > now);
            state.tokens.insert(digest(token.reveal()), now + TOKEN);
        });
        Ok(token)
    }

    async fn redeem(&self, token: &str) -> Result<Option<Secret>, SignInError> {
        let session = Secret::random()?;
        let now = self.clock.now();
        Ok(self.with(|state| {
            state.tokens.remove(&digest(token)).filter(|ends| *ends > now)?;
            state.sessions.retain(|_, ends| *ends > now);
            state.sessions.insert(digest(session.reveal()), now + SESSION);
            Some(session)
        }))
    }

    async fn check(&self, session: &str) -> Result<bool, SignInError> {
        let now = self.clock.now();
        Ok(self.with(|state| state.sessions.get(&digest(session)).is_some_and(|ends| *ends > now)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spillway_testkit::ManualClock;
    use std::time::Duration;

    #[tokio::test]
    async fn a_token_opens_one_session_of_twelve_hours() {
        let clock = Arc::new(ManualClock::at("2026-03-10T03:00:00Z".parse().unwrap()));
        let sign_ins = InMemorySignIns::new(Arc::clone(&clock) as Arc<dyn Clock>);
        let token = sign_ins.issue().await.unwrap();
        assert!(!sign_ins.check(token.reveal()).await.unwrap(), "a token is not a session");

        let session = sign_ins.redeem(token.reveal()).await.unwrap().unwrap();
        assert!(sign_ins.redeem(token.reveal()).await.unwrap().is_none(), "a token is valid once");
        assert!(sign_ins.check(session.reveal()).await.unwrap());
        assert!(!sign_ins.check("made-up").await.unwrap());

        clock.advance(Duration::from_secs(12 * 3600 - 1));
        assert!(sign_ins.check(session.reveal()).await.unwrap());
        clock.advance(Duration::from_secs(1));
        assert!(!sign_ins.check(session.reveal()).await.unwrap(), "and the session ends after 12 hours");
    }

    #[tokio::test]
    async fn an_unused_token_expires_after_a_day() {
        let clock = Arc::new(ManualClock::at("2026-03-10T03:00:00Z".parse().unwrap()));
        let sign_ins = InMemorySignIns::new(Arc::clone(&clock) as Arc<dyn Clock>);
        let (early, late) = (sign_ins.issue().await.unwrap(), sign_ins.issue().await.unwrap());
        clock.advance(Duration::from_secs(24 * 3600 - 1));
        assert!(sign_ins.redeem(early.reveal()).await.unwrap().is_some());
        clock.advance(Duration::from_secs(1));
        assert!(sign_ins.redeem(late.reveal()).await.unwrap().is_none());
    }

    #[test]
    fn secrets_are_long_distinct_and_not_printed() {
        let (one, other) = (Secret::random().unwrap(), Secret::random().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.reveal().len(), 43, "256 bits in base64");
        assert_eq!(format!("{one:?}"), "Secret(…)");
    }
}
