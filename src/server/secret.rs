//! The key that signs sessions: given, or generated and kept where only we can read it.

use std::{
    fmt,
    fs::{self, OpenOptions},
    io::{self, Write},
    path::Path,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hkdf::Hkdf;
use sha2::Sha256;

use super::config::ConfigError;

const VARIABLE: &str = "ALDIS_JWT_SECRET";
const ADVICE: &str = "make one with `openssl rand -base64 48`, or leave it unset to have one generated";

/// A key that is never printed.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// The bytes themselves, which signed sessions once; everything else has a key of its own.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// A key for one purpose alone, so that what is made for one is of no use for another.
    #[must_use]
    pub fn key(&self, purpose: &str) -> [u8; 32] {
        let mut key = [0; 32];
        let derived = Hkdf::<Sha256>::new(None, &self.0).expand(purpose.as_bytes(), &mut key);
        derived.expect("32 bytes are not too many for HKDF");
        key
    }

    /// Accepts a key from the settings.
    ///
    /// # Errors
    /// When the key is short, a sample, or easy to guess: it would protect nothing.
    pub fn given(text: &str) -> Result<Self, ConfigError> {
        const SAMPLES: [&str; 8] =
            ["changeme", "change-me", "change_me", "secret", "example", "replace", "your-", "insecure"];
        let secret = Self::long_enough(text)?;
        let lower = text.to_ascii_lowercase();
        let mut distinct: Vec<u8> = text.bytes().collect();
        distinct.sort_unstable();
        distinct.dedup();
        if SAMPLES.iter().any(|sample| lower.contains(sample)) || distinct.len() < 10 {
            return Err(ConfigError::new(VARIABLE, format!("is a sample or too easy to guess; {ADVICE}")));
        }
        Ok(secret)
    }

    /// Accepts a key that was in use before: it must be one that could have been.
    ///
    /// # Errors
    /// As [`Secret::given`].
    pub fn given_before(text: &str) -> Result<Self, ConfigError> {
        Self::given(text).map_err(|error| error.of("ALDIS_JWT_SECRET_OLD"))
    }

    /// Reads the generated key, or generates it, readable by us alone.
    ///
    /// # Errors
    /// When the file cannot be read or written, or others can read it.
    pub fn kept(file: &Path) -> Result<Self, ConfigError> {
        let complain = |error: io::Error| ConfigError::new(VARIABLE, format!("{}: {error}", file.display()));
        match fs::read_to_string(file) {
            Ok(text) => {
                refuse_readable_by_others(file)?;
                Self::long_enough(text.trim())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                write_new_secret(file).map_err(complain)?;
                fs::read_to_string(file).map_err(complain).and_then(|text| Self::long_enough(text.trim()))
            }
            Err(error) => Err(complain(error)),
        }
    }

    fn long_enough(text: &str) -> Result<Self, ConfigError> {
        if text.len() < 32 {
            return Err(ConfigError::new(VARIABLE, format!("must have at least 32 bytes; {ADVICE}")));
        }
        Ok(Self(text.as_bytes().to_vec()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Puts a new key in place whole, unless another instance was quicker: then that one's stays.
fn write_new_secret(file: &Path) -> io::Result<()> {
    let draft = file.with_extension(format!("draft-{}", std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut draft_file = options.open(&draft)?;
    draft_file.write_all(URL_SAFE_NO_PAD.encode(rand::random::<[u8; 48]>()).as_bytes())?;
    draft_file.sync_all()?;
    let placed = fs::hard_link(&draft, file);
    fs::remove_file(&draft)?;
    match placed {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn refuse_readable_by_others(file: &Path) -> Result<(), ConfigError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(file).map_or(0, |metadata| metadata.permissions().mode());
        if mode & 0o077 != 0 {
            let file = file.display();
            return Err(ConfigError::new(
                VARIABLE,
                format!(
                    "{file} can be read by other users; run `chmod 600 {file}`, or delete it to have a new one made"
                ),
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_secret_is_private_stable_and_refused_once_others_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("temp dir");
        let file = dir.path().join("jwt-secret");
        let first = Secret::kept(&file).expect("generated");
        assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(Secret::kept(&file).expect("read again").bytes(), first.bytes());
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("chmod");
        assert!(Secret::kept(&file).expect_err("readable by others").to_string().contains("chmod 600"));
    }
}
