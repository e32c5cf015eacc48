//! What the server tells its operator.

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, fmt};

use super::config::{LogFormat, error::ConfigError};

/// Begins to log. sea-orm and sqlx are kept quiet unless asked for by name.
///
/// # Errors
/// When the filter cannot be read.
pub fn start(filter: &str, format: LogFormat) -> Result<(), ConfigError> {
    let filter = EnvFilter::try_new(format!("sqlx=warn,sea_orm=warn,sea_orm_migration=warn,{filter}"))
        .map_err(|error| ConfigError::new("ALDIS_LOG", format!("cannot be read ({error}); try info or aldis=debug")))?;
    let logger = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    // A second start in one process, as tests do, keeps the first.
    let _ = match format {
        LogFormat::Json => logger.json().try_init(),
        LogFormat::Pretty => logger.compact().with_target(false).try_init(),
    };
    Ok(())
}
