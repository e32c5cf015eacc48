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
/// A known word of fewer characters stands in too many others to be refused.
const WORD_MIN: usize = 4;
/// What is known of everybody here.
const PRODUCT: &str = "aldis";

/// Hashes and compares passwords.
#[derive(Clone)]
pub struct Passwords {
    inner: Arc<Inner>,
}

struct Inner {
    cost: u32,
    cores: Arc<Semaphore>,
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
        let (cores, waiting) = (Arc::new(Semaphore::new(cores)), AtomicUsize::new(0));
        Ok(Self { inner: Arc::new(Inner { cost, cores, waiting, decoy }) })
    }

    /// Refuses a password that is easy to guess, all the more by somebody who knows the person: what is known of them is
    /// their address and name, and the names and page addresses of their organizations.
    ///
    /// # Errors
    /// `invalid` in the field `password`, saying what makes it weak; `unavailable` when too many are waiting.
    pub async fn judge(&self, password: &str, known: Vec<String>) -> Result<()> {
        let password = password.to_owned();
        let weakness = self.work(move || Ok(weakness(&password, &known))).await?;
        weakness.map_or(Ok(()), |why| Err(Error::field("password", why)))
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
        let place = WorkerPermit::take(&self.inner)?;
        let core = self.inner.cores.clone().acquire_owned().await.map_err(internal)?;
        // Both go with the work: it goes on when whoever asked for it has hung up.
        let work = move || {
            let _held = (core, place);
            job()
        };
        tokio::task::spawn_blocking(work).await.map_err(internal)?
    }
}

/// A place in the queue, given back however the work ends.
struct WorkerPermit(Arc<Inner>);

impl WorkerPermit {
    fn take(inner: &Arc<Inner>) -> Result<Self> {
        let place = Self(inner.clone());
        if inner.waiting.fetch_add(1, Ordering::SeqCst) >= QUEUE {
            return Err(Error::unavailable("Too many people are signing in at once. Try again in a moment."));
        }
        Ok(place)
    }
}

impl Drop for WorkerPermit {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Why a password is easy to guess; nothing, when it is not.
fn weakness(password: &str, known: &[String]) -> Option<String> {
    if let Some(word) = known_word(password, known) {
        return Some(format!("Leave out “{word}”: it is known of you, so it is among the first that is tried."));
    }
    let context: Vec<&str> = known.iter().map(String::as_str).chain([PRODUCT, "status", "password"]).collect();
    let judgement = zxcvbn::zxcvbn(password, &context);
    if judgement.score() >= zxcvbn::Score::Three {
        return None;
    }
    let why = judgement.feedback().and_then(zxcvbn::feedback::Feedback::warning).map(|warning| format!(" {warning}"));
    Some(format!("This is easy to guess.{} Use a sentence or several unrelated words.", why.unwrap_or_default()))
}

/// A known word that stands in the password, however it is spaced and capitalized. Of a mail address the part that is the
/// person's own.
fn known_word<'a>(password: &str, known: &'a [String]) -> Option<&'a str> {
    let plain =
        |text: &str| text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>();
    let password = plain(password);
    let own = |word: &'a String| word.split_once('@').map_or(word.as_str(), |(own, _)| own);
    known.iter().map(own).chain([PRODUCT]).find(|word| {
        let word = plain(word);
        word.chars().count() >= WORD_MIN && password.contains(&word)
    })
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

    #[tokio::test]
    async fn r_24_guessable_passwords_and_words_of_the_context_are_refused() {
        let passwords = Passwords::new(4).expect("cost");
        let known = ["ada.king@acme.test", "Acme Cloud", "acme-cloud", "ada"].map(str::to_owned).to_vec();
        for password in ["password1234", "aaaaaaaaaaaa", "acme-cloud-ada", "qwertyuiop12"] {
            let error = passwords.judge(password, known.clone()).await;
            assert!(error.expect_err(password).fields.contains_key("password"));
        }
        // However good the rest is.
        for password in [
            "lantern over ACME cloud 77",
            "lantern AcmeCloud water 77",
            "lantern_over_ada_king_77",
            "Ada-King lantern water 77",
            "lantern Aldis over water 77",
        ] {
            let error = passwords.judge(password, known.clone()).await.expect_err(password);
            assert!(error.fields["password"].starts_with("Leave out “"), "{error:?}");
        }
        assert!(passwords.judge("correct horse battery staple", Vec::new()).await.is_ok());
        // Three letters stand in many words.
        assert!(passwords.judge("lantern-over-canada-77", known).await.is_ok());
    }

    #[tokio::test]
    async fn r_25_work_holds_its_core_and_its_place_though_whoever_asked_has_gone() {
        let passwords = Passwords::new(4).expect("cost");
        let cores = passwords.inner.cores.available_permits();
        let (go, gate) = std::sync::mpsc::channel::<()>();
        let (start, begun) = tokio::sync::oneshot::channel();
        let work = passwords.work(move || {
            let _ = start.send(());
            let _ = gate.recv();
            Ok(())
        });
        tokio::select! {
            _ = work => panic!("it waits for its word"),
            told = begun => told.expect("it has begun"),
        }
        assert_eq!(passwords.inner.cores.available_permits(), cores - 1);
        assert_eq!(passwords.inner.waiting.load(Ordering::SeqCst), 1);
        drop(go);
        while passwords.inner.waiting.load(Ordering::SeqCst) > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(passwords.inner.cores.available_permits(), cores);
    }
}
