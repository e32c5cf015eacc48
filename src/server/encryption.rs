//! Authenticated encryption (XChaCha20-Poly1305) with key rotation.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};

use super::{auth::signing_key::Secret, error::internal};
use crate::model::Result;

const NONCE_BYTES: usize = 24;

/// Encrypts and decrypts with the keys of one purpose.
#[derive(Clone)]
pub struct Seal {
    /// The current key, then the old ones.
    ciphers: Arc<[XChaCha20Poly1305]>,
}

impl Seal {
    /// Derives the keys for this purpose. The first secret encrypts, and all of them decrypt.
    #[must_use]
    pub fn new(secrets: &[&Secret], purpose: &str) -> Self {
        let ciphers = secrets.iter().map(|secret| XChaCha20Poly1305::new(&secret.key(purpose).into())).collect();
        Self { ciphers }
    }

    /// Encrypts a text bound to `associated_data`, which [`Seal::open`] must be given again.
    ///
    /// # Errors
    /// `internal`, without a key.
    pub fn seal(&self, plaintext: &[u8], associated_data: &[u8]) -> Result<String> {
        let nonce: [u8; NONCE_BYTES] = rand::random();
        let cipher = self.ciphers.first().ok_or_else(|| internal("encryption without a key"))?;
        let payload = Payload { msg: plaintext, aad: associated_data };
        let ciphertext = cipher.encrypt(&XNonce::from(nonce), payload).map_err(internal)?;
        Ok(URL_SAFE_NO_PAD.encode([&nonce[..], &ciphertext].concat()))
    }

    /// Decrypts a sealed text, or returns `None` if it or `associated_data` was changed.
    #[must_use]
    pub fn open(&self, sealed: &str, associated_data: &[u8]) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, ciphertext) = bytes.split_first_chunk::<NONCE_BYTES>()?;
        let payload = || Payload { msg: ciphertext, aad: associated_data };
        self.ciphers.iter().find_map(|cipher| cipher.decrypt(&XNonce::from(*nonce), payload()).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r_81_only_the_same_key_purpose_and_associated_data_decrypt() {
        let secret = Secret::parse("kXo2vT7qLm9ZrB4nWc8YpD1sHf6GjE3uAaQi").expect("strong");
        let other = Secret::parse("Zo2vT7qLm9kXrB4nWc8YpD1sHf6GjE3uAaQi").expect("strong");
        let seal = Seal::new(&[&secret], "seeds");
        let sealed = seal.seal(b"a seed", b"ada").expect("sealed");
        assert_eq!(seal.open(&sealed, b"ada").as_deref(), Some(&b"a seed"[..]));
        assert_eq!(seal.open(&sealed, b"eve"), None);
        assert_eq!(Seal::new(&[&secret], "letters").open(&sealed, b"ada"), None);
        assert_eq!(Seal::new(&[&other], "seeds").open(&sealed, b"ada"), None);
        // After a key rotation, the old key still decrypts.
        assert!(Seal::new(&[&other, &secret], "seeds").open(&sealed, b"ada").is_some());
        assert!(sealed != seal.seal(b"a seed", b"ada").expect("sealed again"));
        for wrong in ["", "x", &sealed[1..], &sealed[..sealed.len() - 2]] {
            assert_eq!(seal.open(wrong, b"ada"), None);
        }
    }
}
