//! Secrets that are handed out once and kept as hashes: tokens, links and codes.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

/// A secret nobody can guess: 32 random bytes as 43 characters that may stand in an address.
pub(in crate::server::domain) fn new_secret() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// What is kept of a secret. A fast hash is enough: there is nothing to guess.
pub(in crate::server::domain) fn hash_of(secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_differ_and_their_hashes_tell_nothing() {
        let (one, two) = (new_secret(), new_secret());
        assert!(one != two && one.len() == 43);
        assert_eq!(hash_of(&one), hash_of(&one));
        assert!(hash_of(&one) != hash_of(&two) && !hash_of(&one).contains(&one[..8]));
    }
}
