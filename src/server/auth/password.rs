//! Passwords: judged, hashed and compared off the async threads, a few at a time.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha384;
use tokio::sync::Semaphore;

use crate::{
    model::{Error, Result},
    server::error::internal,
};

/// bcrypt's cost in production: about a quarter of a second.
pub const COST: u32 = 12;
/// How many may wait for a core before the next is told to come back.
const QUEUE: usize = 32;

/// Hashes and compares passwords.
#[derive(Clone)]
pub struct Passwords {
    inner: Arc<Inner>,
}

struct Inner {
    cost: u32,
    cores: Semaphore,
    waiting: AtomicUsize,
    /// What an unknown person's password is compared with, so that it takes as long as a known one's.
    decoy: String,
}

impl Passwords {
    /// Hashes at this cost.
    ///
    /// # Errors
    /// When the cost is not one of bcrypt's (4 to 31).
    pub fn new(cost: u32) -> Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let decoy = bcrypt::hash(digest("a password nobody has")?, cost).map_err(internal)?;
        Ok(Self { inner: Arc::new(Inner { cost, cores: Semaphore::new(cores), waiting: AtomicUsize::new(0), decoy }) })
    }

    /// Refuses a password that is easy to guess, all the more by somebody who knows the person.
    ///
    /// # Errors
    /// `invalid`, saying what makes it weak.
    pub fn judge(password: &str, known: &[&str]) -> Result<()> {
        let context: Vec<&str> = known.iter().copied().chain(["aldis", "status", "password"]).collect();
        let judgement = zxcvbn::zxcvbn(password, &context);
        if judgement.score() >= zxcvbn::Score::Three {
            return Ok(());
        }
        let why =
            judgement.feedback().and_then(zxcvbn::feedback::Feedback::warning).map(|warning| format!(" {warning}"));
        Err(Error::field(
            "password",
            format!("This is easy to guess.{} Use a sentence or several unrelated words.", why.unwrap_or_default()),
        ))
    }

    /// The hash to store for a password.
    ///
    /// # Errors
    /// `unavailable` when too many are waiting.
    pub async fn hash(&self, password: &str) -> Result<String> {
        let (digest, cost) = (digest(password)?, self.inner.cost);
        self.work(move || bcrypt::non_truncating_hash(digest, cost).map_err(internal)).await
    }

    /// Whether the password is the one behind the hash. Without a hash it takes as long and is wrong.
    ///
    /// # Errors
    /// `unavailable` when too many are waiting.
    pub async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool> {
        let digest = digest(password)?;
        let (known, hash) = (hash.is_some(), hash.unwrap_or(&self.inner.decoy).to_owned());
        let same = self.work(move || bcrypt::verify(digest, &hash).map_err(internal)).await?;
        Ok(same && known)
    }

    /// Whether a hash was made at another cost than is used now.
    #[must_use]
    pub fn is_outdated(&self, hash: &str) -> bool {
        hash.split('$').nth(2).and_then(|cost| cost.parse().ok()) != Some(self.inner.cost)
    }

    async fn work<T: Send + 'static>(&self, job: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        let _place = Place::take(&self.inner.waiting)?;
        let _core = self.inner.cores.acquire().await.map_err(internal)?;
        tokio::task::spawn_blocking(job).await.map_err(internal)?
    }
}

/// A place in the queue, given back however the work ends.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize) -> Result<Self> {
        let place = Self(waiting);
        if waiting.fetch_add(1, Ordering::SeqCst) >= QUEUE {
            return Err(Error::unavailable("Too many people are signing in at once. Try again in a moment."));
        }
        Ok(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// 64 printable characters of any password, so that bcrypt, which stops at 72 bytes, sees all of it.
fn digest(password: &str) -> Result<String> {
    let mut mac = Hmac::<Sha384>::new_from_slice(b"aldis-password").map_err(internal)?;
    mac.update(password.as_bytes());
    Ok(STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn r_25_the_last_byte_of_a_long_password_counts() {
        let passwords = Passwords::new(4).expect("cost");
        let long = "x".repeat(100);
        let hash = passwords.hash(&format!("{long}a")).await.expect("hash");
        assert!(passwords.verify(&format!("{long}a"), Some(&hash)).await.expect("verify"));
        assert!(!passwords.verify(&format!("{long}b"), Some(&hash)).await.expect("verify"));
        assert!(!passwords.verify("a password nobody has", None).await.expect("verify"));
    }

    #[tokio::test]
    async fn r_25_a_hash_of_another_cost_is_to_be_renewed() {
        let (four, five) = (Passwords::new(4).expect("cost"), Passwords::new(5).expect("cost"));
        let hash = four.hash("lantern over calm water 77").await.expect("hash");
        assert!(!four.is_outdated(&hash) && five.is_outdated(&hash) && five.is_outdated("nonsense"));
    }

    #[test]
    fn r_24_guessable_passwords_and_words_of_the_context_are_refused() {
        for password in ["password1234", "aaaaaaaaaaaa", "acme-cloud-ada", "qwertyuiop12"] {
            let error = Passwords::judge(password, &["ada@acme.test", "Acme Cloud", "acme-cloud", "ada"]);
            assert!(error.expect_err(password).fields.contains_key("password"));
        }
        assert!(Passwords::judge("correct horse battery staple", &[]).is_ok());
        assert!(Passwords::judge("lantern-over-water-77", &["ada@acme.test"]).is_ok());
    }
}
