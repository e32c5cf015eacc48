//! The command line: commands and settings.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use ipnet::IpNet;

use crate::server::{http::client_ip::parse_network, rate_limit::permits::LimitSettings};

/// Aldis, a multi-tenant status page with live updates.
#[derive(Parser)]
#[command(
    version,
    about,
    after_help = "Settings are read from flags, the environment, and a .env file, in this order."
)]
pub struct Cli {
    /// The command; `serve` if omitted.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The settings, the same for all commands.
    #[command(flatten)]
    pub settings: Settings,
}

/// The commands.
#[derive(Subcommand, Clone, PartialEq, Eq)]
pub enum Command {
    /// Run pending migrations, then serve (the default).
    Serve,
    /// Run pending migrations and exit.
    Migrate,
    /// Create the demo organization if it is missing, then serve.
    Demo,
    /// Set a user's password, read from standard input, and end their sessions.
    ResetPassword {
        /// The user's email address.
        email: String,
    },
    /// Turn off a user's two-factor authentication and end their sessions.
    ResetSecondFactor {
        /// The user's email address.
        email: String,
    },
    /// Disable a user and end their sessions.
    DisableUser {
        /// The user's email address.
        email: String,
    },
    /// Enable a disabled user.
    EnableUser {
        /// The user's email address.
        email: String,
    },
    /// Write a consistent copy of the embedded database (SQLite) to a file.
    Backup {
        /// The file to create.
        file: PathBuf,
    },
    /// Put a copy in place of the embedded database (SQLite), which is kept, and end all sessions.
    Restore {
        /// The copy.
        #[arg(required_unless_present = "after_import", conflicts_with = "after_import")]
        file: Option<PathBuf>,
        /// Finish a restore that the tools of MariaDB, MySQL or PostgreSQL have made
        #[arg(long)]
        after_import: bool,
        /// Revoke all API tokens: those revoked since the copy was made would be valid again
        #[arg(long)]
        revoke_tokens: bool,
    },
    /// Validate the settings, test the connections, and exit.
    Check,
}

/// The settings as given. `aldis --help` prints this list.
#[derive(Args, Clone)]
pub struct Settings {
    /// The database: `sqlite://FILE`, `mysql://USER:PASSWORD@HOST/NAME` or `postgres://USER:PASSWORD@HOST/NAME`
    #[arg(long, env, global = true, default_value = "sqlite://data/aldis.db", hide_env_values = true)]
    pub database_url: String,
    /// Redis, which connects several instances: `redis://HOST`
    #[arg(long, env, global = true, hide_env_values = true)]
    pub redis_url: Option<String>,
    /// The address and port to listen on
    #[arg(long = "listen", env = "ALDIS_LISTEN", global = true, default_value = "127.0.0.1:3000")]
    pub listen: SocketAddr,
    /// The URL people use, for links, origin checks and cookies [default: http:// and the listen address]
    #[arg(long = "public-url", env = "ALDIS_PUBLIC_URL", global = true)]
    pub public_url: Option<String>,
    /// The directory for the generated signing key and for copies of public pages
    #[arg(long = "data-dir", env = "ALDIS_DATA_DIR", global = true, default_value = "data")]
    pub data_dir: PathBuf,
    /// A directory to write public pages to, for a web server or a CDN
    #[arg(long = "snapshot-dir", env = "ALDIS_SNAPSHOT_DIR", global = true)]
    pub snapshot_dir: Option<PathBuf>,
    /// The key that signs sessions, at least 32 bytes [default: generated into the data directory]
    #[arg(long = "jwt-secret", env = "ALDIS_JWT_SECRET", global = true, hide_env_values = true)]
    pub jwt_secret: Option<String>,
    /// Previous signing keys, separated by commas: what they signed or encrypted stays valid
    #[arg(
        long = "jwt-secret-old",
        env = "ALDIS_JWT_SECRET_OLD",
        global = true,
        value_delimiter = ',',
        hide_env_values = true
    )]
    pub jwt_secret_old: Vec<String>,
    /// Allow logins over plain http:// from other machines, which sends passwords unencrypted
    #[arg(long = "cookie-insecure", env = "ALDIS_COOKIE_INSECURE", global = true, action = clap::ArgAction::Set, default_value_t = false)]
    pub cookie_insecure: bool,
    /// The mail server: `smtp://HOST`, `smtp://USER:PASSWORD@HOST?tls=required` or `smtps://USER:PASSWORD@HOST`
    #[arg(long, env, global = true, hide_env_values = true)]
    pub smtp_url: Option<String>,
    /// The sender of emails: `Aldis <status@example.com>`
    #[arg(long = "mail-from", env = "ALDIS_MAIL_FROM", global = true)]
    pub mail_from: Option<String>,
    /// Allow sending the password of the mail server unencrypted
    #[arg(long = "smtp-insecure", env = "ALDIS_SMTP_INSECURE", global = true, action = clap::ArgAction::Set, default_value_t = false)]
    pub smtp_insecure: bool,
    /// Who can create an organization
    #[arg(long = "registration", env = "ALDIS_REGISTRATION", global = true, value_enum, default_value = "open")]
    pub registration: Registrations,
    /// Reverse proxies whose `X-Forwarded-For` is trusted, as networks separated by commas: `10.0.0.0/8,::1`
    #[arg(long = "trusted-proxies", env = "ALDIS_TRUSTED_PROXIES", global = true, value_delimiter = ',', value_parser = parse_network)]
    pub trusted_proxies: Vec<IpNet>,
    /// Origins that may read the public API from a browser, separated by commas [default: any, without credentials]
    #[arg(long = "cors-origins", env = "ALDIS_CORS_ORIGINS", global = true, value_delimiter = ',')]
    pub cors_origins: Vec<String>,
    /// Login and registration attempts per minute per network address
    #[arg(long = "auth-rate", env = "ALDIS_AUTH_RATE", global = true, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub auth_rate: u32,
    /// Memory for ready-made public pages and their JSON, in megabytes
    #[arg(long = "cache-mb", env = "ALDIS_CACHE_MB", global = true, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub cache_mb: u32,
    /// Limits per client
    #[command(flatten)]
    pub limits: LimitSettings,
    /// The log level: error, warn, info, debug, trace, or per module as in `info,aldis=debug`
    #[arg(long = "log", env = "ALDIS_LOG", global = true, default_value = "info")]
    pub log: String,
    /// The log format
    #[arg(long = "log-format", env = "ALDIS_LOG_FORMAT", global = true, value_enum, default_value = "pretty")]
    pub log_format: LogFormat,
}

/// Who can create an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Registrations {
    /// Anyone.
    Open,
    /// No one.
    Closed,
}

/// The log format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Human-readable text.
    Pretty,
    /// One JSON object per line.
    Json,
}
