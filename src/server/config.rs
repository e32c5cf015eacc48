//! The settings, read once from flags, the environment and `.env`; a bad value stops the start with one clear line.

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use axum::http::HeaderValue;
use clap::{Args, Parser, Subcommand, ValueEnum};

use super::{mail::MailSettings, net::Network, secret::Secret};

/// Aldis, a status page: teams tell their users what works, live.
#[derive(Parser)]
#[command(
    version,
    about,
    after_help = "Settings are read from flags, the environment, and a .env file, in this order."
)]
pub struct Cli {
    /// What to do; `serve` when nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The settings, the same for every command.
    #[command(flatten)]
    pub settings: Settings,
}

/// What the program can do.
#[derive(Subcommand, Clone, PartialEq, Eq)]
pub enum Command {
    /// Bring the database up to date and serve (the default).
    Serve,
    /// Bring the database up to date and stop.
    Migrate,
    /// Create the demonstration organization if it is missing, then serve.
    Demo,
    /// Set a new password for a person, read from standard input, and end their sessions.
    ResetPassword {
        /// Their e-mail address.
        email: String,
    },
    /// Shut a person out: their sessions end, and they cannot log in.
    DisableUser {
        /// Their e-mail address.
        email: String,
    },
    /// Let a person in again who was shut out.
    EnableUser {
        /// Their e-mail address.
        email: String,
    },
    /// Write a consistent copy of the embedded database (SQLite) to a file.
    Backup {
        /// The file to create.
        file: PathBuf,
    },
    /// Check the settings and the connections, and stop.
    Check,
}

/// Every setting. `aldis --help` prints this list.
#[derive(Args, Clone)]
pub struct Settings {
    /// The database: `sqlite://FILE`, `mysql://USER:PASSWORD@HOST/NAME` or `postgres://USER:PASSWORD@HOST/NAME`
    #[arg(long, env, global = true, default_value = "sqlite://data/aldis.db", hide_env_values = true)]
    pub database_url: String,
    /// Redis, so that several instances tell each other at once: `redis://HOST`
    #[arg(long, env, global = true, hide_env_values = true)]
    pub redis_url: Option<String>,
    /// The address and port to listen on
    #[arg(long = "listen", env = "ALDIS_LISTEN", global = true, default_value = "127.0.0.1:3000")]
    pub listen: SocketAddr,
    /// The address people use, for links, origin checks and cookies [default: http:// and the listen address]
    #[arg(long = "public-url", env = "ALDIS_PUBLIC_URL", global = true)]
    pub public_url: Option<String>,
    /// The folder for what the server keeps beside the database
    #[arg(long = "data-dir", env = "ALDIS_DATA_DIR", global = true, default_value = "data")]
    pub data_dir: PathBuf,
    /// The key that signs sessions, at least 32 bytes [default: generated into the data folder]
    #[arg(long = "jwt-secret", env = "ALDIS_JWT_SECRET", global = true, hide_env_values = true)]
    pub jwt_secret: Option<String>,
    /// The mail server: `smtp://HOST`, `smtp://USER:PASSWORD@HOST?tls=required` or `smtps://USER:PASSWORD@HOST`
    #[arg(long, env, global = true, hide_env_values = true)]
    pub smtp_url: Option<String>,
    /// The address mails come from: `Aldis <status@example.com>`
    #[arg(long = "mail-from", env = "ALDIS_MAIL_FROM", global = true)]
    pub mail_from: Option<String>,
    /// Who may create an organization
    #[arg(long = "registration", env = "ALDIS_REGISTRATION", global = true, value_enum, default_value = "open")]
    pub registration: Registrations,
    /// Networks of reverse proxies whose `X-Forwarded-For` counts, separated by commas: `10.0.0.0/8,::1`
    #[arg(long = "trusted-proxies", env = "ALDIS_TRUSTED_PROXIES", global = true, value_delimiter = ',')]
    pub trusted_proxies: Vec<Network>,
    /// Origins whose pages may read the public API, separated by commas [default: any, without credentials]
    #[arg(long = "cors-origins", env = "ALDIS_CORS_ORIGINS", global = true, value_delimiter = ',')]
    pub cors_origins: Vec<String>,
    /// Sign-in and registration attempts per minute and network address
    #[arg(long = "auth-rate", env = "ALDIS_AUTH_RATE", global = true, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub auth_rate: u32,
    /// What to log: error, warn, info, debug, trace, or per module as in `info,aldis=debug`
    #[arg(long = "log", env = "ALDIS_LOG", global = true, default_value = "info")]
    pub log: String,
    /// How to log
    #[arg(long = "log-format", env = "ALDIS_LOG_FORMAT", global = true, value_enum, default_value = "pretty")]
    pub log_format: LogFormat,
}

/// Who may create an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Registrations {
    /// Anybody.
    Open,
    /// Nobody.
    Closed,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
}

/// Settings that have been checked.
#[derive(Clone)]
pub struct Config {
    /// The database.
    pub database_url: String,
    /// Redis, if several instances share it.
    pub redis_url: Option<String>,
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where people find us.
    pub public_url: PublicUrl,
    /// The folder for what the server keeps.
    pub data_dir: PathBuf,
    /// Who may create an organization.
    pub registration: Registrations,
    /// Whose X-Forwarded-For counts.
    pub trusted_proxies: Vec<Network>,
    /// Whose pages may read the public API; empty means any.
    pub cors_origins: Vec<HeaderValue>,
    /// Sign-in and registration attempts per minute and network address.
    pub auth_rate: u32,
    /// The key that signs sessions.
    pub secret: Secret,
    /// How mail is sent, if it is.
    pub mail: Option<MailSettings>,
}

/// The address people use, and what follows from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    origin: String,
    twin: Option<String>,
}

impl PublicUrl {
    fn parse(text: &str) -> Result<Self, ConfigError> {
        let bad =
            |why: &str| ConfigError::new("ALDIS_PUBLIC_URL", format!("{why}, for example https://status.example.com"));
        let trimmed = text.trim_end_matches('/');
        let (scheme, host) = trimmed.split_once("://").ok_or_else(|| bad("must begin with https:// or http://"))?;
        if !matches!(scheme, "http" | "https") {
            return Err(bad("must begin with https:// or http://"));
        }
        let plain = |b: u8| b.is_ascii_alphanumeric() || b".-:[]".contains(&b);
        if host.is_empty() || !host.bytes().all(plain) {
            return Err(bad("must be a host, with a port where needed, and no path"));
        }
        let origin = format!("{scheme}://{}", host.to_ascii_lowercase());
        let twin =
            [("//localhost", "//127.0.0.1"), ("//127.0.0.1", "//localhost")].into_iter().find_map(|(from, to)| {
                let rest = origin.split_once(from)?.1;
                (rest.is_empty() || rest.starts_with(':')).then(|| origin.replacen(from, to, 1))
            });
        Ok(Self { origin, twin })
    }

    /// Scheme, host and port, without a slash at the end.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether an `Origin` header names us; `localhost` and `127.0.0.1` count as one.
    #[must_use]
    pub fn is_own(&self, origin: &str) -> bool {
        origin == self.origin || self.twin.as_deref() == Some(origin)
    }

    /// Whether people reach us over TLS, so that cookies may demand it.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.origin.starts_with("https://")
    }
}

/// Why the settings were refused: names the variable, never its secret.
#[derive(Debug, thiserror::Error)]
#[error("{variable}: {why}")]
pub struct ConfigError {
    variable: &'static str,
    why: String,
}

impl ConfigError {
    /// A complaint about one variable.
    pub fn new(variable: &'static str, why: impl Into<String>) -> Self {
        Self { variable, why: why.into() }
    }
}

impl Settings {
    /// Checks every setting and reads or makes the signing key.
    ///
    /// # Errors
    /// The first setting that cannot be used, and what to do about it.
    pub fn check(self) -> Result<Config, ConfigError> {
        if !["sqlite:", "mysql:", "mariadb:", "postgres:", "postgresql:"]
            .iter()
            .any(|kind| self.database_url.starts_with(kind))
        {
            return Err(ConfigError::new(
                "DATABASE_URL",
                "must begin with sqlite://, mysql:// or postgres://, for example sqlite://data/aldis.db",
            ));
        }
        if let Some(url) = &self.redis_url
            && !url.starts_with("redis://")
        {
            return Err(ConfigError::new("REDIS_URL", "must begin with redis://, for example redis://127.0.0.1"));
        }
        let public_url = self.public_url.unwrap_or_else(|| format!("http://{}", self.listen));
        let cors_origins = self
            .cors_origins
            .iter()
            .map(|origin| {
                let url = PublicUrl::parse(origin).map_err(|_| {
                    ConfigError::new("ALDIS_CORS_ORIGINS", "must be origins such as https://example.com")
                })?;
                HeaderValue::from_str(url.origin())
                    .map_err(|_| ConfigError::new("ALDIS_CORS_ORIGINS", "must be origins such as https://example.com"))
            })
            .collect::<Result<_, _>>()?;
        create_private_dir(&self.data_dir)
            .map_err(|error| ConfigError::new("ALDIS_DATA_DIR", format!("cannot be created: {error}")))?;
        let secret = match self.jwt_secret {
            Some(secret) => Secret::given(&secret)?,
            None => Secret::kept(&self.data_dir.join("jwt-secret"))?,
        };
        Ok(Config {
            // One driver serves both.
            database_url: self.database_url.replacen("mariadb:", "mysql:", 1),
            redis_url: self.redis_url,
            listen: self.listen,
            public_url: PublicUrl::parse(&public_url)?,
            data_dir: self.data_dir,
            registration: self.registration,
            trusted_proxies: self.trusted_proxies,
            cors_origins,
            auth_rate: self.auth_rate,
            secret,
            mail: MailSettings::given(self.smtp_url.as_deref(), self.mail_from.as_deref())?,
        })
    }
}

/// Creates a folder that only we may read.
fn create_private_dir(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(extra: &[&str]) -> Settings {
        let dir = std::env::temp_dir();
        let args = ["aldis", "--data-dir"].into_iter().chain(dir.to_str()).chain(extra.iter().copied());
        Cli::try_parse_from(args).expect("parses").settings
    }

    #[test]
    fn a_bad_value_names_its_variable_and_not_its_content() {
        let strong = "kXo2vT7qLm9ZrB4nWc8YpD1sHf6GjE3uAaQi";
        for (flags, variable) in [
            (vec!["--database-url", "oracle://scott:tiger@db"], "DATABASE_URL"),
            (vec!["--redis-url", "http://hunter2"], "REDIS_URL"),
            (vec!["--jwt-secret", "hunter2"], "ALDIS_JWT_SECRET"),
            (vec!["--jwt-secret", "changeme-changeme-changeme-changeme-hunter2"], "ALDIS_JWT_SECRET"),
            (vec!["--jwt-secret", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"], "ALDIS_JWT_SECRET"),
            (vec!["--jwt-secret", strong, "--public-url", "status.example.com"], "ALDIS_PUBLIC_URL"),
            (vec!["--jwt-secret", strong, "--public-url", "https://example.com/status"], "ALDIS_PUBLIC_URL"),
            (vec!["--jwt-secret", strong, "--cors-origins", "example.com"], "ALDIS_CORS_ORIGINS"),
            (vec!["--jwt-secret", strong, "--smtp-url", "http://scott:tiger@mail"], "SMTP_URL"),
            (vec!["--jwt-secret", strong, "--smtp-url", "hunter2"], "SMTP_URL"),
            (vec!["--jwt-secret", strong, "--smtp-url", "smtp://scott:tiger@mail"], "ALDIS_MAIL_FROM"),
            (vec!["--jwt-secret", strong, "--smtp-url", "smtp://mail", "--mail-from", "hunter2"], "ALDIS_MAIL_FROM"),
        ] {
            let error = settings(&flags).check().err().unwrap_or_else(|| panic!("{flags:?} was accepted")).to_string();
            assert!(error.starts_with(variable), "{error}");
            assert!(!error.contains("hunter2") && !error.contains("tiger"), "{error}");
        }
    }

    #[test]
    fn localhost_and_127_0_0_1_count_as_one_origin() {
        let url = PublicUrl::parse("http://127.0.0.1:3000/").expect("valid");
        assert!(url.is_own("http://127.0.0.1:3000") && url.is_own("http://localhost:3000"));
        assert!(!url.is_own("http://localhost:3001") && !url.is_own("https://localhost:3000") && !url.is_own("null"));
        let named = PublicUrl::parse("https://Status.Example.com").expect("valid");
        assert!(named.is_own("https://status.example.com") && named.is_https());
        assert!(!PublicUrl::parse("http://localhost.evil.test").expect("valid").is_own("http://127.0.0.1.evil.test"));
    }
}
