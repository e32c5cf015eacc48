//! Passwords: strength checks, hashing and verification, on a few worker threads.

use std::{sync::Arc, thread::available_parallelism};

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha384;

use crate::{
    model::{Check, Error, Result, check_new_password},
    server::{
        error::internal,
        rate_limit::worker_threads::{Work, WorkerThreads},
    },
};

/// The bcrypt cost in production: about 250 ms.
pub const COST: u32 = 12;
/// Hashing leaves a core to the requests that need none, and yields to them on the others.
const HASHING: Work = Work {
    name: "passwords",
    // Tests that wait in loops would keep it waiting.
    niceness: if cfg!(test) { 0 } else { 10 },
    queue: 32,
    busy: "Too many people are logging in at once. Try again in a moment.",
};
/// The shortest context word that a password must not contain; shorter ones occur in too many others.
const WORD_MIN: usize = 4;
/// A context word for everybody.
const PRODUCT: &str = "aldis";

/// Checks, hashes and verifies passwords.
#[derive(Clone)]
pub struct Passwords {
    inner: Arc<Inner>,
}

struct Inner {
    cost: u32,
    threads: WorkerThreads,
    /// The hash that unknown users' passwords are compared with, so that the time does not reveal them.
    decoy: String,
}

impl Passwords {
    /// Passwords hashed at this cost.
    ///
    /// # Errors
    /// When the cost is not one of bcrypt's (4 to 31).
    pub fn new(cost: u32) -> Result<Self> {
        let cores = available_parallelism().map_or(1, usize::from);
        let decoy = bcrypt::hash(digest("a password nobody has")?, cost).map_err(internal)?;
        let threads = WorkerThreads::new(HASHING, (cores - 1).max(1));
        Ok(Self { inner: Arc::new(Inner { cost, threads, decoy }) })
    }

    /// Checks the length and strength of a new password in the form field `field`.
    ///
    /// # Errors
    /// `invalid` in that field; `unavailable` when too many are waiting.
    pub async fn check_new(&self, field: &str, password: &str, context: Vec<String>) -> Result<()> {
        let mut check = Check::default();
        check_new_password(&mut check, field, password);
        check.finish()?;
        self.check_strength(password, context).await.map_err(|mut error| match error.fields.remove("password") {
            Some(why) => Error::field(field, why),
            None => error,
        })
    }

    /// Rejects a password that is easy to guess. `context` are words about the user: their address and name, and the
    /// names and page addresses of their organizations.
    ///
    /// # Errors
    /// `invalid` in the field `password`, saying what makes it weak; `unavailable` when too many are waiting.
    pub async fn check_strength(&self, password: &str, context: Vec<String>) -> Result<()> {
        let password = password.to_owned();
        let weakness = self.run(move || Ok(weakness(&password, &context))).await?;
        weakness.map_or(Ok(()), |why| Err(Error::field("password", why)))
    }

    /// Hashes a password.
    ///
    /// # Errors
    /// `unavailable` when too many are waiting.
    pub async fn hash(&self, password: &str) -> Result<String> {
        let (digest, cost) = (digest(password)?, self.inner.cost);
        self.run(move || bcrypt::non_truncating_hash(digest, cost).map_err(internal)).await
    }

    /// Verifies a password against a hash. Without a hash it takes the same time and returns `false`.
    ///
    /// # Errors
    /// `unavailable` when too many are waiting.
    pub async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool> {
        let digest = digest(password)?;
        let (known, hash) = (hash.is_some(), hash.unwrap_or(&self.inner.decoy).to_owned());
        let same = self.run(move || bcrypt::verify(digest, &hash).map_err(internal)).await?;
        Ok(same && known)
    }

    /// Whether a hash has another cost than the current one.
    #[must_use]
    pub fn is_outdated(&self, hash: &str) -> bool {
        hash.split('$').nth(2).and_then(|cost| cost.parse().ok()) != Some(self.inner.cost)
    }

    async fn run<T: Send + 'static>(&self, job: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        self.inner.threads.run(job).await?
    }
}

/// Why a password is easy to guess; none if it is not.
fn weakness(password: &str, context: &[String]) -> Option<String> {
    if let Some(word) = context_word(password, context) {
        return Some(format!("Avoid “{word}”: it is easy to find out."));
    }
    let inputs: Vec<&str> = context.iter().map(String::as_str).chain([PRODUCT, "status", "password"]).collect();
    let estimate = zxcvbn::zxcvbn(password, &inputs);
    if estimate.score() >= zxcvbn::Score::Three {
        return None;
    }
    let why = estimate.feedback().and_then(zxcvbn::feedback::Feedback::warning).map(|warning| format!(" {warning}"));
    Some(format!(
        "This password is easy to guess.{} Use a sentence or several unrelated words.",
        why.unwrap_or_default()
    ))
}

/// The context word that a password contains, ignoring case and punctuation. Of an e-mail address, only the local part
/// counts.
fn context_word<'a>(password: &str, context: &'a [String]) -> Option<&'a str> {
    let plain =
        |text: &str| text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>();
    let password = plain(password);
    let local_part = |word: &'a String| word.split_once('@').map_or(word.as_str(), |(local, _)| local);
    context.iter().map(local_part).chain([PRODUCT]).find(|word| {
        let word = plain(word);
        word.chars().count() >= WORD_MIN && password.contains(&word)
    })
}

/// A digest of 64 printable characters, because bcrypt ignores all but the first 72 bytes of its input.
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
    async fn r_25_a_hash_of_another_cost_is_outdated() {
        let (four, five) = (Passwords::new(4).expect("cost"), Passwords::new(5).expect("cost"));
        let hash = four.hash("lantern over calm water 77").await.expect("hash");
        assert!(!four.is_outdated(&hash) && five.is_outdated(&hash) && five.is_outdated("nonsense"));
    }

    #[tokio::test]
    async fn r_24_guessable_passwords_and_words_of_the_context_are_refused() {
        let passwords = Passwords::new(4).expect("cost");
        let known = ["ada.king@acme.test", "Acme Cloud", "acme-cloud", "ada"].map(str::to_owned).to_vec();
        for password in ["password1234", "aaaaaaaaaaaa", "acme-cloud-ada", "qwertyuiop12"] {
            let error = passwords.check_strength(password, known.clone()).await;
            assert!(error.expect_err(password).fields.contains_key("password"));
        }
        // Even if the rest is strong.
        for password in [
            "lantern over ACME cloud 77",
            "lantern AcmeCloud water 77",
            "lantern_over_ada_king_77",
            "Ada-King lantern water 77",
            "lantern Aldis over water 77",
        ] {
            let error = passwords.check_strength(password, known.clone()).await.expect_err(password);
            assert!(error.fields["password"].starts_with("Avoid “"), "{error:?}");
        }
        assert!(passwords.check_strength("correct horse battery staple", Vec::new()).await.is_ok());
        // Three letters occur in many words.
        assert!(passwords.check_strength("lantern-over-canada-77", known).await.is_ok());
    }
}
