//! The settings, read once from flags, the environment and `.env`; a bad value stops the start with one clear line.

pub mod error;
mod public_url;

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use axum::http::HeaderValue;
use clap::{Args, Parser, Subcommand, ValueEnum};
use ipnet::IpNet;

use self::error::ConfigError;
pub use self::public_url::PublicUrl;
use super::{
    auth::signing_key::Secret, http::client_ip::parse_network, mail::MailSettings, rate_limit::permits::LimitSettings,
};

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
    /// Take a person's second factor away, who lost app and recovery codes, and end their sessions.
    ResetSecondFactor {
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
    /// Keys that signed sessions before, separated by commas: what they signed stays valid
    #[arg(
        long = "jwt-secret-old",
        env = "ALDIS_JWT_SECRET_OLD",
        global = true,
        value_delimiter = ',',
        hide_env_values = true
    )]
    pub jwt_secret_old: Vec<String>,
    /// Let people log in over plain http:// from other machines: whoever is on the way can read their passwords
    #[arg(long = "cookie-insecure", env = "ALDIS_COOKIE_INSECURE", global = true, action = clap::ArgAction::Set, default_value_t = false)]
    pub cookie_insecure: bool,
    /// The mail server: `smtp://HOST`, `smtp://USER:PASSWORD@HOST?tls=required` or `smtps://USER:PASSWORD@HOST`
    #[arg(long, env, global = true, hide_env_values = true)]
    pub smtp_url: Option<String>,
    /// The address mails come from: `Aldis <status@example.com>`
    #[arg(long = "mail-from", env = "ALDIS_MAIL_FROM", global = true)]
    pub mail_from: Option<String>,
    /// Let the password of the mail server travel in the open: whoever is on the way can read it
    #[arg(long = "smtp-insecure", env = "ALDIS_SMTP_INSECURE", global = true, action = clap::ArgAction::Set, default_value_t = false)]
    pub smtp_insecure: bool,
    /// Who may create an organization
    #[arg(long = "registration", env = "ALDIS_REGISTRATION", global = true, value_enum, default_value = "open")]
    pub registration: Registrations,
    /// Networks of reverse proxies whose `X-Forwarded-For` counts, separated by commas: `10.0.0.0/8,::1`
    #[arg(long = "trusted-proxies", env = "ALDIS_TRUSTED_PROXIES", global = true, value_delimiter = ',', value_parser = parse_network)]
    pub trusted_proxies: Vec<IpNet>,
    /// Origins whose pages may read the public API, separated by commas [default: any, without credentials]
    #[arg(long = "cors-origins", env = "ALDIS_CORS_ORIGINS", global = true, value_delimiter = ',')]
    pub cors_origins: Vec<String>,
    /// Sign-in and registration attempts per minute and network address
    #[arg(long = "auth-rate", env = "ALDIS_AUTH_RATE", global = true, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub auth_rate: u32,
    /// How much one caller may take
    #[command(flatten)]
    pub limits: LimitSettings,
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
    pub trusted_proxies: Vec<IpNet>,
    /// Whose pages may read the public API; empty means any.
    pub cors_origins: Vec<HeaderValue>,
    /// Sign-in and registration attempts per minute and network address.
    pub auth_rate: u32,
    /// The key that signs sessions.
    pub secret: Secret,
    /// Keys that signed sessions before.
    pub old_secrets: Vec<Secret>,
    /// How much one caller may take.
    pub limits: LimitSettings,
    /// How mail is sent, if it is.
    pub mail: Option<MailSettings>,
}

impl Config {
    /// The key, and after it those that were it before.
    #[must_use]
    pub fn all_secrets(&self) -> Vec<&Secret> {
        std::iter::once(&self.secret).chain(&self.old_secrets).collect()
    }

    /// What is allowed and yet deserves a word at the start.
    #[must_use]
    pub fn warnings(&self) -> Vec<&'static str> {
        let (url, listen) = (&self.public_url, self.listen);
        let is_open = !url.is_https() && !url.is_loopback();
        let mut words = Vec::new();
        if listen.ip().is_unspecified() && url.origin() == format!("http://{listen}") {
            words.push("set ALDIS_PUBLIC_URL to the address people use: forms sent from any other address are refused");
        }
        if url.is_loopback() && !listen.ip().is_loopback() && !url.is_https() {
            words.push(
                "ALDIS_LISTEN lets other machines in, and ALDIS_PUBLIC_URL names this one alone: set it to the https:// \
                 address people use, or listen at 127.0.0.1",
            );
        }
        if is_open {
            words.push(
                "ALDIS_COOKIE_INSECURE: over plain http:// whoever is on the way can read passwords and sessions",
            );
        }
        if self.trusted_proxies.is_empty() && (url.is_https() || is_open) {
            words.push(
                "ALDIS_TRUSTED_PROXIES is not set: everybody who comes through a proxy counts as one caller or, where \
                 the proxy runs on this machine, is not limited at all. Name the proxy's address",
            );
        }
        words
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
            let why = if url.starts_with("rediss://") {
                "begins with rediss://, but Redis over TLS is not supported: reach it through a closed network or a \
                 tunnel, as redis://"
            } else {
                "must begin with redis://, for example redis://127.0.0.1"
            };
            return Err(ConfigError::new("REDIS_URL", why));
        }
        let public_url = self.public_url.unwrap_or_else(|| format!("http://{}", self.listen));
        let public_url = PublicUrl::parse(&public_url)?;
        if !public_url.is_https() && !public_url.is_loopback() && !self.cookie_insecure {
            return Err(ConfigError::new(
                "ALDIS_PUBLIC_URL",
                "is the address people use from other machines, so it must begin with https:// (or set \
                 ALDIS_COOKIE_INSECURE=true, and passwords and sessions travel for everybody on the way to read)",
            ));
        }
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
            Some(secret) => Secret::parse(&secret)?,
            None => Secret::load_or_generate(&self.data_dir.join("jwt-secret"))?,
        };
        Ok(Config {
            // One driver serves both.
            database_url: self.database_url.replacen("mariadb:", "mysql:", 1),
            redis_url: self.redis_url,
            listen: self.listen,
            public_url,
            data_dir: self.data_dir,
            registration: self.registration,
            trusted_proxies: self.trusted_proxies,
            cors_origins,
            auth_rate: self.auth_rate,
            secret,
            old_secrets: self.jwt_secret_old.iter().map(|old| Secret::parse_old(old)).collect::<Result<_, _>>()?,
            limits: self.limits,
            mail: MailSettings::parse(self.smtp_url.as_deref(), self.mail_from.as_deref(), self.smtp_insecure)?,
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
            (vec!["--redis-url", "rediss://hunter2"], "REDIS_URL: begins with rediss://"),
            (vec!["--jwt-secret", "hunter2"], "ALDIS_JWT_SECRET"),
            (vec!["--jwt-secret", "changeme-changeme-changeme-changeme-hunter2"], "ALDIS_JWT_SECRET"),
            (vec!["--jwt-secret", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"], "ALDIS_JWT_SECRET"),
            (vec!["--jwt-secret", strong, "--public-url", "status.example.com"], "ALDIS_PUBLIC_URL"),
            (vec!["--jwt-secret", strong, "--public-url", "https://example.com/status"], "ALDIS_PUBLIC_URL"),
            (vec!["--jwt-secret", strong, "--cors-origins", "example.com"], "ALDIS_CORS_ORIGINS"),
            (vec!["--jwt-secret", strong, "--jwt-secret-old", "hunter2"], "ALDIS_JWT_SECRET_OLD"),
            (vec!["--jwt-secret", strong, "--public-url", "http://status.example.com"], "ALDIS_PUBLIC_URL"),
            (vec!["--jwt-secret", strong, "--listen", "0.0.0.0:3000"], "ALDIS_PUBLIC_URL"),
            (vec!["--jwt-secret", strong, "--smtp-url", "http://scott:tiger@mail"], "SMTP_URL"),
            (vec!["--jwt-secret", strong, "--smtp-url", "hunter2"], "SMTP_URL"),
            (vec!["--jwt-secret", strong, "--smtp-url", "smtp://scott:tiger@mail"], "SMTP_URL: would send"),
            (vec!["--jwt-secret", strong, "--smtp-url", "smtps://scott:tiger@mail"], "ALDIS_MAIL_FROM"),
            (vec!["--jwt-secret", strong, "--smtp-url", "smtp://mail", "--mail-from", "hunter2"], "ALDIS_MAIL_FROM"),
        ] {
            let error = settings(&flags).check().err().unwrap_or_else(|| panic!("{flags:?} was accepted")).to_string();
            assert!(error.starts_with(variable), "{error}");
            assert!(!error.contains("hunter2") && !error.contains("tiger"), "{error}");
        }
    }

    #[test]
    fn r_71_a_server_for_others_that_knows_no_proxy_says_so() {
        let strong = "kXo2vT7qLm9ZrB4nWc8YpD1sHf6GjE3uAaQi";
        let told = |extra: &[&str]| {
            let config = settings(&[&["--jwt-secret", strong][..], extra].concat()).check().expect("in order");
            config.warnings().iter().any(|word| word.starts_with("ALDIS_TRUSTED_PROXIES"))
        };
        let (https, plain) = (["--public-url", "https://status.example.com"], ["--public-url", "http://10.0.0.5:3000"]);
        assert!(told(&https) && told(&[&plain[..], &["--cookie-insecure", "true"]].concat()));
        assert!(!told(&[]) && !told(&[&https[..], &["--trusted-proxies", "127.0.0.1"]].concat()));
    }

    #[test]
    fn r_21_an_address_of_this_machine_at_a_door_for_others_is_warned_of() {
        let strong = ["--jwt-secret", "kXo2vT7qLm9ZrB4nWc8YpD1sHf6GjE3uAaQi", "--public-url", "http://localhost:3000"];
        let told = |listen| {
            let config = settings(&[&strong[..], &["--listen", listen]].concat()).check().expect("in order");
            config.warnings().iter().any(|word| word.starts_with("ALDIS_LISTEN"))
        };
        assert!(told("0.0.0.0:3000") && told("[::]:3000") && !told("127.0.0.1:3000") && !told("[::1]:3000"));
    }

    #[test]
    fn r_21_plain_http_is_for_this_machine_unless_somebody_insists() {
        let strong = ["--jwt-secret", "kXo2vT7qLm9ZrB4nWc8YpD1sHf6GjE3uAaQi", "--public-url"];
        let check = |extra: &[&str]| settings(&[&strong[..], extra].concat()).check().is_ok();
        for own in ["http://127.0.0.1:3000", "http://localhost", "http://[::1]:3000", "http://aldis.localhost:3000"] {
            assert!(check(&[own]), "{own}");
        }
        for foreign in [
            "http://10.0.0.5:3000",
            "http://localhost.example.com",
            "http://127.0.0.1.example.com",
            "http://0.0.0.0:3000",
        ] {
            assert!(!check(&[foreign]), "{foreign}");
            assert!(check(&[foreign, "--cookie-insecure", "true"]), "{foreign}");
        }
        assert!(check(&["https://status.example.com"]));
    }
}
