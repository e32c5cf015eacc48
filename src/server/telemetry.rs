//! Logging.

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, fmt};

use super::config::{LogFormat, error::ConfigError};

/// Starts logging to standard error. The default level of sea-orm and sqlx is `warn`.
///
/// # Errors
/// When the filter is invalid.
pub fn start(filter: &str, format: LogFormat) -> Result<(), ConfigError> {
    let filter =
        EnvFilter::try_new(format!("sqlx=warn,sea_orm=warn,sea_orm_migration=warn,{filter}")).map_err(|error| {
            ConfigError::new("ALDIS_LOG", format!("is not a valid filter ({error}); examples: info, aldis=debug"))
        })?;
    let logger = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    // Fails if already started, as in tests.
    let _ = match format {
        LogFormat::Json => logger.json().try_init(),
        LogFormat::Pretty => logger.compact().with_target(false).try_init(),
    };
    Ok(())
}
