//! Settings: parsed from flags, environment and `.env`, then validated. An invalid value stops the program with an
//! error that names the variable.

pub mod error;
mod public_url;
mod settings;

use std::{
    fs,
    io::{self, ErrorKind},
    net::SocketAddr,
    path::{Path, PathBuf},
};

use axum::http::HeaderValue;
use ipnet::IpNet;

use self::error::ConfigError;
pub use self::{
    public_url::PublicUrl,
    settings::{Cli, Command, LogFormat, Registrations, Settings},
};
use super::{auth::signing_key::Secret, mail::MailSettings, rate_limit::permits::LimitSettings};

/// The validated settings; see [`Settings`] for those without a comment.
#[derive(Clone)]
pub struct Config {
    pub database_url: String,
    pub redis_url: Option<String>,
    pub listen: SocketAddr,
    pub public_url: PublicUrl,
    pub data_dir: PathBuf,
    /// It exists.
    pub snapshot_dir: Option<PathBuf>,
    pub registration: Registrations,
    pub trusted_proxies: Vec<IpNet>,
    /// As values of the `Origin` header; empty allows any.
    pub cors_origins: Vec<HeaderValue>,
    pub auth_rate: u32,
    /// The most bytes of public documents that are cached.
    pub cache_bytes: usize,
    /// `ALDIS_JWT_SECRET`, or the generated one.
    pub secret: Secret,
    pub old_secrets: Vec<Secret>,
    pub limits: LimitSettings,
    /// `None` without `SMTP_URL`.
    pub mail: Option<MailSettings>,
}

impl Config {
    /// The current secret, then the old ones.
    #[must_use]
    pub fn all_secrets(&self) -> Vec<&Secret> {
        std::iter::once(&self.secret).chain(&self.old_secrets).collect()
    }

    /// Warnings about valid but risky settings, printed at startup.
    #[must_use]
    pub fn warnings(&self) -> Vec<&'static str> {
        let (url, listen) = (&self.public_url, self.listen);
        let is_plain_http = !url.is_https() && !url.is_loopback();
        let mut warnings = Vec::new();
        if listen.ip().is_unspecified() && url.origin() == format!("http://{listen}") {
            warnings.push("set ALDIS_PUBLIC_URL to the URL people use: forms sent from any other origin are rejected");
        }
        if url.is_loopback() && !listen.ip().is_loopback() && !url.is_https() {
            warnings.push(
                "ALDIS_LISTEN accepts connections from other machines, but ALDIS_PUBLIC_URL is for this one only: set \
                 it to the https:// URL people use, or listen on 127.0.0.1",
            );
        }
        if is_plain_http {
            warnings.push("ALDIS_COOKIE_INSECURE: passwords and sessions are sent unencrypted over plain http://");
        }
        if self.trusted_proxies.is_empty() && (url.is_https() || is_plain_http) {
            warnings.push(
                "ALDIS_TRUSTED_PROXIES is not set: all clients behind a proxy share one rate limit or, if the proxy is \
                 on this machine, have none. Set it to the address of the proxy",
            );
        }
        warnings
    }
}

impl Settings {
    /// Validates every setting, and loads or generates the signing key.
    ///
    /// # Errors
    /// The first invalid setting.
    pub fn validate(self) -> Result<Config, ConfigError> {
        if !["sqlite:", "mysql:", "mariadb:", "postgres:", "postgresql:"]
            .iter()
            .any(|scheme| self.database_url.starts_with(scheme))
        {
            return Err(ConfigError::new(
                "DATABASE_URL",
                "must begin with sqlite://, mysql:// or postgres://, for example sqlite://data/aldis.db",
            ));
        }
        if let Some(url) = &self.redis_url
            && !url.starts_with("redis://")
        {
            let reason = if url.starts_with("rediss://") {
                "begins with rediss://, but Redis over TLS is not supported: use redis:// on a private network"
            } else {
                "must begin with redis://, for example redis://127.0.0.1"
            };
            return Err(ConfigError::new("REDIS_URL", reason));
        }
        let public_url = self.public_url.unwrap_or_else(|| format!("http://{}", self.listen));
        let public_url = PublicUrl::parse(&public_url)?;
        if !public_url.is_https() && !public_url.is_loopback() && !self.cookie_insecure {
            return Err(ConfigError::new(
                "ALDIS_PUBLIC_URL",
                "must begin with https:// if people use it from other machines (or set ALDIS_COOKIE_INSECURE=true, and \
                 passwords and sessions are sent unencrypted)",
            ));
        }
        let cors_origins = self.cors_origins.iter().map(|origin| {
            let url = PublicUrl::parse(origin).ok()?;
            HeaderValue::from_str(url.origin()).ok()
        });
        let cors_origins = cors_origins.collect::<Option<_>>().ok_or_else(|| {
            ConfigError::new("ALDIS_CORS_ORIGINS", "must be origins such as https://example.com, separated by commas")
        })?;
        create_private_dir(&self.data_dir)
            .map_err(|error| ConfigError::new("ALDIS_DATA_DIR", format!("cannot be created: {error}")))?;
        if let Some(dir) = &self.snapshot_dir {
            prepare_page_dir(dir).map_err(|error| ConfigError::new("ALDIS_SNAPSHOT_DIR", error))?;
        }
        let secret = match self.jwt_secret {
            Some(secret) => Secret::parse(&secret)?,
            None => Secret::load_or_generate(&self.data_dir.join("jwt-secret"))?,
        };
        Ok(Config {
            // MariaDB uses the MySQL driver.
            database_url: self.database_url.replacen("mariadb:", "mysql:", 1),
            redis_url: self.redis_url,
            listen: self.listen,
            public_url,
            data_dir: self.data_dir,
            snapshot_dir: self.snapshot_dir,
            registration: self.registration,
            trusted_proxies: self.trusted_proxies,
            cors_origins,
            auth_rate: self.auth_rate,
            cache_bytes: self.cache_mb as usize * 1024 * 1024,
            secret,
            old_secrets: self.jwt_secret_old.iter().map(|old| Secret::parse_old(old)).collect::<Result<_, _>>()?,
            limits: self.limits,
            mail: MailSettings::parse(self.smtp_url.as_deref(), self.mail_from.as_deref(), self.smtp_insecure)?,
        })
    }
}

/// Creates the directory for public pages, which a web server of another user can read, and checks that files can be
/// created in it. A disk that is full or read-only may be so for a time only: the pages are served without it.
fn prepare_page_dir(dir: &Path) -> Result<(), String> {
    #[cfg(unix)]
    let is_missing = fs::symlink_metadata(dir).is_err();
    fs::create_dir_all(dir).map_err(|error| format!("cannot be created: {error}"))?;
    #[cfg(unix)]
    if is_missing {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(dir, mode).map_err(|error| format!("cannot be made readable: {error}"))?;
    }
    let probe = dir.join(format!(".probe.{}", std::process::id()));
    match fs::write(&probe, "").and_then(|()| fs::remove_file(&probe)).map_err(|error| (error.kind(), error)) {
        Ok(()) | Err((ErrorKind::ReadOnlyFilesystem | ErrorKind::StorageFull | ErrorKind::QuotaExceeded, _)) => Ok(()),
        Err((_, error)) => Err(format!("files cannot be created in it: {error}")),
    }
}

/// Creates a directory that only its owner can read.
pub(super) fn create_private_dir(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::tests::support::database::folder;

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
            (
                vec!["--jwt-secret", strong, "--public-url", "http://hunter2:b:c"],
                "ALDIS_PUBLIC_URL: is not a valid URL",
            ),
            (vec!["--jwt-secret", strong, "--public-url", "http://["], "ALDIS_PUBLIC_URL: is not a valid URL"),
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
            let error =
                settings(&flags).validate().err().unwrap_or_else(|| panic!("{flags:?} was accepted")).to_string();
            assert!(error.starts_with(variable), "{error}");
            assert!(!error.contains("hunter2") && !error.contains("tiger"), "{error}");
        }
    }

    #[test]
    fn the_directory_for_public_pages_is_created_and_can_be_read_by_a_web_server() {
        let (dir, strong) = (folder(), "kXo2vT7qLm9ZrB4nWc8YpD1sHf6GjE3uAaQi");
        let validate = |dir: &Path| {
            let flags = ["--jwt-secret", strong, "--snapshot-dir", dir.to_str().expect("text")];
            settings(&flags).validate().map_err(|error| error.to_string())
        };
        let pages = dir.join("new/pages");
        assert_eq!(validate(&pages).expect("created").snapshot_dir.as_deref(), Some(pages.as_path()));
        assert_eq!(fs::read_dir(&pages).expect("there").count(), 0);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&pages).expect("there").permissions().mode() & 0o777, 0o755);
        }
        let file = dir.join("file");
        fs::write(&file, "").expect("written");
        for bad in [&file, &file.join("pages")] {
            let error = validate(bad).err().expect("refused");
            assert!(error.starts_with("ALDIS_SNAPSHOT_DIR: cannot be created: ") && !error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn r_71_a_public_server_without_a_trusted_proxy_warns() {
        let strong = "kXo2vT7qLm9ZrB4nWc8YpD1sHf6GjE3uAaQi";
        let warns = |extra: &[&str]| {
            let config = settings(&[&["--jwt-secret", strong][..], extra].concat()).validate().expect("valid");
            config.warnings().iter().any(|warning| warning.starts_with("ALDIS_TRUSTED_PROXIES"))
        };
        let (https, plain) = (["--public-url", "https://status.example.com"], ["--public-url", "http://10.0.0.5:3000"]);
        assert!(warns(&https) && warns(&[&plain[..], &["--cookie-insecure", "true"]].concat()));
        assert!(!warns(&[]) && !warns(&[&https[..], &["--trusted-proxies", "127.0.0.1"]].concat()));
    }

    #[test]
    fn r_21_a_loopback_url_with_a_public_listener_warns() {
        let strong = ["--jwt-secret", "kXo2vT7qLm9ZrB4nWc8YpD1sHf6GjE3uAaQi", "--public-url", "http://localhost:3000"];
        let warns = |listen| {
            let config = settings(&[&strong[..], &["--listen", listen]].concat()).validate().expect("valid");
            config.warnings().iter().any(|warning| warning.starts_with("ALDIS_LISTEN"))
        };
        assert!(warns("0.0.0.0:3000") && warns("[::]:3000") && !warns("127.0.0.1:3000") && !warns("[::1]:3000"));
    }

    #[test]
    fn r_21_plain_http_is_refused_except_on_this_machine() {
        let strong = ["--jwt-secret", "kXo2vT7qLm9ZrB4nWc8YpD1sHf6GjE3uAaQi", "--public-url"];
        let accepts = |extra: &[&str]| settings(&[&strong[..], extra].concat()).validate().is_ok();
        for loopback in
            ["http://127.0.0.1:3000", "http://localhost", "http://[::1]:3000", "http://aldis.localhost:3000"]
        {
            assert!(accepts(&[loopback]), "{loopback}");
        }
        for foreign in [
            "http://10.0.0.5:3000",
            "http://localhost.example.com",
            "http://127.0.0.1.example.com",
            "http://0.0.0.0:3000",
        ] {
            assert!(!accepts(&[foreign]), "{foreign}");
            assert!(accepts(&[foreign, "--cookie-insecure", "true"]), "{foreign}");
        }
        assert!(accepts(&["https://status.example.com"]));
    }
}
