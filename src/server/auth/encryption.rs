//! What is kept or handed out so that only this server can read it.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};

use super::signing_key::Secret;
use crate::{model::Result, server::error::internal};

/// How long a nonce is.
const NONCE: usize = 24;

/// Closes and opens what is for one purpose.
#[derive(Clone)]
pub struct Seal {
    /// The one that closes, and after it those that once did.
    ciphers: Arc<[XChaCha20Poly1305]>,
}

impl Seal {
    /// The seal for this purpose. Everything is closed under the first key; what was closed under the others opens too.
    #[must_use]
    pub fn new(secrets: &[&Secret], purpose: &str) -> Self {
        let ciphers = secrets.iter().map(|secret| XChaCha20Poly1305::new(&secret.key(purpose).into())).collect();
        Self { ciphers }
    }

    /// Closes something, for who says again what it is about.
    ///
    /// # Errors
    /// Never in practice.
    pub fn close(&self, plain: &[u8], about: &[u8]) -> Result<String> {
        let nonce: [u8; NONCE] = rand::random();
        let cipher = self.ciphers.first().ok_or_else(|| internal("a seal without a key"))?;
        let closed = cipher.encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: about }).map_err(internal)?;
        Ok(URL_SAFE_NO_PAD.encode([&nonce[..], &closed].concat()))
    }

    /// Opens what was closed here, untouched and about the same.
    #[must_use]
    pub fn open(&self, closed: &str, about: &[u8]) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(closed).ok()?;
        let (nonce, closed) = bytes.split_first_chunk::<NONCE>()?;
        let payload = || Payload { msg: closed, aad: about };
        self.ciphers.iter().find_map(|cipher| cipher.decrypt(&XNonce::from(*nonce), payload()).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r_81_only_the_same_key_for_the_same_purpose_and_matter_opens() {
        let secret = Secret::given("kXo2vT7qLm9ZrB4nWc8YpD1sHf6GjE3uAaQi").expect("strong");
        let other = Secret::given("Zo2vT7qLm9kXrB4nWc8YpD1sHf6GjE3uAaQi").expect("strong");
        let seal = Seal::new(&[&secret], "seeds");
        let closed = seal.close(b"a seed", b"ada").expect("closed");
        assert_eq!(seal.open(&closed, b"ada").as_deref(), Some(&b"a seed"[..]));
        assert_eq!(seal.open(&closed, b"eve"), None);
        assert_eq!(Seal::new(&[&secret], "letters").open(&closed, b"ada"), None);
        assert_eq!(Seal::new(&[&other], "seeds").open(&closed, b"ada"), None);
        // After a change of keys the old one still opens.
        assert!(Seal::new(&[&other, &secret], "seeds").open(&closed, b"ada").is_some());
        assert!(closed != seal.close(b"a seed", b"ada").expect("closed again"));
        for wrong in ["", "x", &closed[1..], &closed[..closed.len() - 2]] {
            assert_eq!(seal.open(wrong, b"ada"), None);
        }
    }
}
