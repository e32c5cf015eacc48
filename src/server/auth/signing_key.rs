//! The server secret, from which all keys are derived: configured, or generated into a private file.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::Path,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hkdf::Hkdf;
use secrecy::{ExposeSecret as _, SecretSlice};
use sha2::Sha256;

use crate::server::config::error::ConfigError;

const VARIABLE: &str = "ALDIS_JWT_SECRET";
const ADVICE: &str = "generate one with `openssl rand -base64 48`, or leave it unset to have one generated";

/// The server secret. Never printed, and wiped from memory on drop.
#[derive(Clone, Debug)]
pub struct Secret(SecretSlice<u8>);

impl Secret {
    /// The secret itself, which only verifies sessions from before keys were derived.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.0.expose_secret()
    }

    /// Derives a key for one purpose, of no use for any other.
    ///
    /// # Panics
    /// Never: HKDF yields up to 8,160 bytes.
    #[must_use]
    pub fn key(&self, purpose: &str) -> [u8; 32] {
        let mut key = [0; 32];
        let derived = Hkdf::<Sha256>::new(None, self.bytes()).expand(purpose.as_bytes(), &mut key);
        derived.expect("HKDF yields up to 8,160 bytes");
        key
    }

    /// Validates `ALDIS_JWT_SECRET`.
    ///
    /// # Errors
    /// When it is short, an example value, or easy to guess.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        const SAMPLES: [&str; 8] =
            ["changeme", "change-me", "change_me", "secret", "example", "replace", "your-", "insecure"];
        let secret = Self::of_sufficient_length(text)?;
        let lower = text.to_ascii_lowercase();
        let mut distinct: Vec<u8> = text.bytes().collect();
        distinct.sort_unstable();
        distinct.dedup();
        if SAMPLES.iter().any(|sample| lower.contains(sample)) || distinct.len() < 10 {
            return Err(ConfigError::new(VARIABLE, format!("is an example value or too easy to guess; {ADVICE}")));
        }
        Ok(secret)
    }

    /// Validates one value of `ALDIS_JWT_SECRET_OLD`.
    ///
    /// # Errors
    /// As [`Secret::parse`].
    pub fn parse_old(text: &str) -> Result<Self, ConfigError> {
        Self::parse(text).map_err(|error| error.of("ALDIS_JWT_SECRET_OLD"))
    }

    /// Reads the generated secret from a file, or generates it, readable by its owner only.
    ///
    /// # Errors
    /// When the file cannot be read or written, or other users can read it.
    pub fn load_or_generate(file: &Path) -> Result<Self, ConfigError> {
        let io_error = |error: io::Error| ConfigError::new(VARIABLE, format!("{}: {error}", file.display()));
        match fs::read_to_string(file) {
            Ok(text) => {
                refuse_readable_by_others(file)?;
                Self::of_sufficient_length(text.trim())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                write_new_secret(file).map_err(io_error)?;
                fs::read_to_string(file).map_err(io_error).and_then(|text| Self::of_sufficient_length(text.trim()))
            }
            Err(error) => Err(io_error(error)),
        }
    }

    fn of_sufficient_length(text: &str) -> Result<Self, ConfigError> {
        if text.len() < 32 {
            return Err(ConfigError::new(VARIABLE, format!("must have at least 32 bytes; {ADVICE}")));
        }
        Ok(Self(text.as_bytes().to_vec().into()))
    }
}

/// Writes a new secret atomically, unless another instance has just written one.
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
    if !has_mode(file, 0o077) {
        return Ok(());
    }
    let file = file.display();
    let reason =
        format!("other users can read {file}; run `chmod 600 {file}`, or delete it to have a new one generated");
    Err(ConfigError::new(VARIABLE, reason))
}

/// Whether the file's mode has any of these bits.
fn has_mode(file: &Path, bits: u32) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::metadata(file).is_ok_and(|metadata| metadata.permissions().mode() & bits != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = (file, bits);
        false
    }
}

/// A warning about a `.env` file that contains secrets and that every user of the machine can read. A group may
/// read it, as services often need that.
#[must_use]
pub fn env_file_warning(file: &Path) -> Option<String> {
    let is_secret = |line: &str| {
        let (name, value) = line.trim().trim_start_matches("export ").split_once('=').unwrap_or_default();
        match name.trim() {
            "ALDIS_JWT_SECRET" | "ALDIS_JWT_SECRET_OLD" => !value.trim().is_empty(),
            // A URL with a password.
            "DATABASE_URL" | "REDIS_URL" | "SMTP_URL" => value.contains('@'),
            _ => false,
        }
    };
    let is_exposed = has_mode(file, 0o007) && fs::read_to_string(file).is_ok_and(|text| text.lines().any(is_secret));
    let file = file.display();
    is_exposed
        .then(|| format!("{file} contains secrets and every user of this machine can read it; run `chmod 600 {file}`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::support::database::folder;

    #[test]
    fn a_generated_secret_is_private_stable_and_rejected_once_others_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let dir = folder();
        let file = dir.join("jwt-secret");
        let first = Secret::load_or_generate(&file).expect("generated");
        assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(Secret::load_or_generate(&file).expect("read again").bytes(), first.bytes());
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("chmod");
        assert!(Secret::load_or_generate(&file).expect_err("readable by others").to_string().contains("chmod 600"));
    }

    #[test]
    fn r_80_a_world_readable_env_file_with_secrets_causes_a_warning() {
        use std::os::unix::fs::PermissionsExt;
        let dir = folder();
        let file = dir.join(".env");
        let warning = |text: &str, mode: u32| {
            fs::write(&file, text).expect("written");
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("chmod");
            env_file_warning(&file)
        };
        for secret in
            ["ALDIS_JWT_SECRET=hunter2", "export SMTP_URL='smtps://ada:hunter2@mail'", " DATABASE_URL=x://a:b@c"]
        {
            let text = warning(&format!("ALDIS_LOG=info\n{secret}\n"), 0o644).expect("a warning");
            assert!(text.contains("chmod 600") && !text.contains("hunter2"), "{text}");
            assert_eq!(warning(secret, 0o600), None);
            assert_eq!(warning(secret, 0o640), None);
        }
        for plain in ["#ALDIS_JWT_SECRET=hunter2", "ALDIS_JWT_SECRET=", "REDIS_URL=redis://localhost", "ALDIS_LOG=a@b"]
        {
            assert_eq!(warning(plain, 0o644), None, "{plain}");
        }
    }
}
