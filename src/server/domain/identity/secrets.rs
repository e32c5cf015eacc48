//! One-time secrets: shown once and stored as hashes (API tokens, links and recovery codes).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

/// A new secret: 32 random bytes as 43 URL-safe characters.
pub(in crate::server::domain) fn new_secret() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// The stored hash of a secret. A fast hash is enough for random secrets.
pub(in crate::server::domain) fn hash_of(secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_differ_and_their_hashes_do_not_contain_them() {
        let (one, two) = (new_secret(), new_secret());
        assert!(one != two && one.len() == 43);
        assert_eq!(hash_of(&one), hash_of(&one));
        assert!(hash_of(&one) != hash_of(&two) && !hash_of(&one).contains(&one[..8]));
    }
}
