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

use crate::server::config::error::ConfigError;

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
    if !is_readable_by(file, 0o077) {
        return Ok(());
    }
    let file = file.display();
    let why = format!("{file} can be read by other users; run `chmod 600 {file}`, or delete it to have a new one made");
    Err(ConfigError::new(VARIABLE, why))
}

/// Whether any of these bits of a file's mode is set.
fn is_readable_by(file: &Path, whom: u32) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::metadata(file).is_ok_and(|metadata| metadata.permissions().mode() & whom != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = (file, whom);
        false
    }
}

/// What to say of a file of settings that holds secrets and that every user of the machine can read. A group may:
/// that is how such a file is given to a service.
#[must_use]
pub fn open_secrets(file: &Path) -> Option<String> {
    let is_secret = |line: &str| {
        let (name, value) = line.trim().trim_start_matches("export ").split_once('=').unwrap_or_default();
        match name.trim() {
            "ALDIS_JWT_SECRET" | "ALDIS_JWT_SECRET_OLD" => !value.trim().is_empty(),
            // A password stands before the host.
            "DATABASE_URL" | "REDIS_URL" | "SMTP_URL" => value.contains('@'),
            _ => false,
        }
    };
    let is_told = is_readable_by(file, 0o007) && fs::read_to_string(file).is_ok_and(|text| text.lines().any(is_secret));
    let file = file.display();
    is_told
        .then(|| format!("{file} holds secrets and can be read by every user of this machine; run `chmod 600 {file}`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::support::database::folder;

    #[test]
    fn a_generated_secret_is_private_stable_and_refused_once_others_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let dir = folder();
        let file = dir.join("jwt-secret");
        let first = Secret::kept(&file).expect("generated");
        assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(Secret::kept(&file).expect("read again").bytes(), first.bytes());
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("chmod");
        assert!(Secret::kept(&file).expect_err("readable by others").to_string().contains("chmod 600"));
    }

    #[test]
    fn r_80_a_file_of_settings_that_all_can_read_is_warned_of_when_it_holds_secrets() {
        use std::os::unix::fs::PermissionsExt;
        let dir = folder();
        let file = dir.join(".env");
        let told = |text: &str, mode: u32| {
            fs::write(&file, text).expect("written");
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("chmod");
            open_secrets(&file)
        };
        for secret in
            ["ALDIS_JWT_SECRET=hunter2", "export SMTP_URL='smtps://ada:hunter2@mail'", " DATABASE_URL=x://a:b@c"]
        {
            let word = told(&format!("ALDIS_LOG=info\n{secret}\n"), 0o644).expect("a warning");
            assert!(word.contains("chmod 600") && !word.contains("hunter2"), "{word}");
            assert_eq!(told(secret, 0o600), None);
            assert_eq!(told(secret, 0o640), None);
        }
        for plain in ["#ALDIS_JWT_SECRET=hunter2", "ALDIS_JWT_SECRET=", "REDIS_URL=redis://localhost", "ALDIS_LOG=a@b"]
        {
            assert_eq!(told(plain, 0o644), None, "{plain}");
        }
    }
}
