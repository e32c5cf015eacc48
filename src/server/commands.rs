//! The commands: serve, migrate, demo, reset-password, reset-second-factor, disable-user, enable-user, backup, restore,
//! check.

use std::{
    io::{self, BufRead, IsTerminal, Write},
    path::Path,
    pin::pin,
    process::ExitCode,
    time::Duration,
};

use clap::Parser;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::{
    auth::{COST, Passwords, signing_key::env_file_warning},
    config::{Cli, Command, Config, error::ConfigError},
    domain::{self, ApiTokens, Clock, Domain, Unreachable, demo},
    http::{
        assets::{Files, Site},
        listener,
    },
    jobs,
    live::relay::Relay,
    rate_limit::shared_counters::{REDIS_TIMEOUT, SharedCounters},
    snapshots::StateSnapshots,
    state::AppState,
    supervisor::Heartbeats,
    telemetry,
};
use crate::model::{Code, Email, Error};

/// How long the server waits for its database before it serves what it knows without.
const OPEN_PATIENCE: Duration = Duration::from_secs(1);
/// The pause between two attempts to open the database.
const OPEN_INTERVAL: Duration = Duration::from_secs(2);

/// Why a command failed, as printed.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("DATABASE_URL: the database cannot be used: {0}")]
    Database(#[from] Unreachable),
    #[error("no backup was made: {0}")]
    Backup(#[source] Unreachable),
    #[error("nothing was restored: {0}")]
    Restore(#[source] Unreachable),
    #[error("REDIS_URL: {0}")]
    Redis(#[from] redis::RedisError),
    #[error("SMTP_URL: {0}")]
    Mail(String),
    #[error(transparent)]
    Refused(#[from] Error),
    #[error("{0}: {1}")]
    Io(String, #[source] io::Error),
    #[error("the client is missing from this build; build with `make run` or `make release`")]
    NoClient,
}

/// Runs the command given on the command line.
pub fn main(files: Files) -> ExitCode {
    // The environment takes precedence over the file.
    let dotenv = dotenvy::dotenv();
    let cli = Cli::parse();
    if let Err(dotenvy::Error::LineParse(line, position)) = &dotenv {
        eprintln!(
            "aldis: .env: syntax error at position {position} of the line that begins with `{}`",
            line.split('=').next().unwrap_or("")
        );
        return ExitCode::FAILURE;
    }
    if let Some(warning) = dotenv.ok().and_then(|file| env_file_warning(&file)) {
        eprintln!("aldis: {warning}");
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("aldis: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(cli, files)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("aldis: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli, files: Files) -> Result<(), Failure> {
    telemetry::start(&cli.settings.log, cli.settings.log_format)?;
    let config = cli.settings.validate()?;
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => run_server(config, files, false).await,
        Command::Demo => run_server(config, files, true).await,
        Command::Migrate => {
            open(&config, Relay::none()).await?.close().await;
            println!("All migrations have been applied.");
            Ok(())
        }
        Command::ResetPassword { email } => reset_password(&config, &email).await,
        Command::ResetSecondFactor { email } => reset_second_factor(&config, &email).await,
        Command::DisableUser { email } => set_disabled(&config, &email, true).await,
        Command::EnableUser { email } => set_disabled(&config, &email, false).await,
        Command::Backup { file } => {
            domain::backup(&config.database_url, &file).await.map_err(Failure::Backup)?;
            println!("Wrote a copy of the database to {}. Protect it like the database itself.", file.display());
            Ok(())
        }
        Command::Restore { file, revoke_tokens, .. } => {
            let tokens = if revoke_tokens { ApiTokens::Revoke } else { ApiTokens::Keep };
            Box::pin(restore(&config, file.as_deref(), tokens)).await.map_err(Failure::Restore)?;
            // They would show what the restored database does not have.
            StateSnapshots::delete_all(&config.data_dir).map_err(|error| {
                Failure::Io("the database is restored, but not all saved pages are deleted".into(), error)
            })
        }
        Command::Check => check(&config).await,
    }
}

async fn open(config: &Config, relay: Relay) -> Result<Domain, Failure> {
    Ok(Domain::open(&config.database_url, relay, Clock::System).await?)
}

fn open_relay(config: &Config, heartbeats: &Heartbeats) -> Result<Relay, Failure> {
    Ok(match &config.redis_url {
        Some(url) => Relay::open(url, heartbeats)?,
        None => Relay::none(),
    })
}

async fn run_server(config: Config, files: Files, with_demo: bool) -> Result<(), Failure> {
    let site = Site::find(files).ok_or(Failure::NoClient)?;
    let listener = tokio::net::TcpListener::bind(config.listen)
        .await
        .map_err(|error| Failure::Io(format!("ALDIS_LISTEN: cannot listen on {}", config.listen), error))?;
    let heartbeats = Heartbeats::new(|| Clock::System.now());
    let relay = open_relay(&config, &heartbeats)?;
    let domain = Domain::closed(&config.database_url, relay.clone(), Clock::System).await?;
    let counters = SharedCounters::open(domain.relay(), &config.secret, REDIS_TIMEOUT);
    let snapshots = StateSnapshots::open(&config.data_dir)
        .map_err(|error| Failure::Io(format!("ALDIS_DATA_DIR: {}", config.data_dir.display()), error))?;
    let state = AppState::new(config, domain, counters, &heartbeats, site, Some(snapshots), COST)?;
    for warning in state.config.warnings() {
        tracing::warn!("{warning}");
    }
    let serving = listener::serve(listener, state.clone());
    let mut starting = pin!(start(&state, relay, heartbeats, with_demo));
    let served = if let Ok(started) = timeout(OPEN_PATIENCE, &mut starting).await {
        started?;
        serving.await
    } else {
        // Pages are shown as they were last known.
        state.domain.health().failed();
        tokio::select! {
            // Only a failure ends the server.
            Err(failure) = starting => return Err(failure),
            served = serving => served,
        }
    };
    served.map_err(|error| Failure::Io("the server stopped".into(), error))
}

/// Opens the database, and starts what needs it.
async fn start(state: &AppState, relay: Relay, heartbeats: Heartbeats, with_demo: bool) -> Result<(), Failure> {
    open_database(&state.domain).await?;
    if with_demo {
        let hash = state.passwords.hash(demo::PASSWORD).await?;
        if state.domain.system().create_demo(hash).await? {
            println!("Created the demo organization.");
        }
        let origin = state.config.public_url.origin();
        println!(
            "Demo: {origin}/public/{} · log in as {} with the password {}",
            demo::SLUG,
            demo::EMAIL,
            demo::PASSWORD
        );
    }
    let (system, public, stop) = (state.domain.system(), state.public.clone(), state.stop.clone());
    tokio::spawn(jobs::receive_from_instances(relay, system.clone(), heartbeats.clone(), stop.clone()));
    tokio::spawn(jobs::run(system, heartbeats, stop));
    tokio::spawn(public.run());
    println!("Aldis is ready at {}", state.config.public_url.origin());
    Ok(())
}

/// Migrates the database as soon as it can be reached.
async fn open_database(domain: &Domain) -> Result<(), Unreachable> {
    let mut attempts = interval(OPEN_INTERVAL);
    attempts.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        attempts.tick().await;
        match domain.migrate().await {
            Err(error) if error.is_passing() => tracing::warn!(%error, "the database cannot be opened; trying again"),
            opened => return opened,
        }
    }
}

async fn reset_password(config: &Config, email: &str) -> Result<(), Failure> {
    let email: Email = email.parse()?;
    if io::stdin().is_terminal() {
        print!("New password for {email} (12 to 128 characters, visible as you type): ");
        io::stdout().flush().map_err(|error| Failure::Io("standard output".into(), error))?;
    }
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map_err(|error| Failure::Io("standard input".into(), error))?;
    let password = line.trim_end_matches(['\r', '\n']);
    if !(12..=128).contains(&password.chars().count()) {
        return Err(Error::invalid("The password must have 12 to 128 characters. Nothing was changed.").into());
    }
    let (domain, passwords) = (open(config, Relay::none()).await?, Passwords::new(COST)?);
    let known = domain.system().password_context(&email).await.map_err(|error| unknown_user(error, &email))?;
    passwords.check_strength(password, known).await.map_err(|error| {
        Error::invalid(error.fields.get("password").map_or("The password is too weak.", String::as_str))
    })?;
    let hash = passwords.hash(password).await?;
    domain.system().reset_password(&email, hash).await.map_err(|error| unknown_user(error, &email))?;
    println!("The password of {email} was changed, and all their sessions have ended.");
    Ok(())
}

async fn reset_second_factor(config: &Config, email: &str) -> Result<(), Failure> {
    let email: Email = email.parse()?;
    let domain = open(config, Relay::none()).await?;
    domain.system().reset_second_factor(&email).await.map_err(|error| match error.code {
        Code::NotFound => {
            Error::invalid(format!("No user with the email address {email} has two-factor authentication on."))
        }
        _ => error,
    })?;
    println!("Two-factor authentication is off for {email}, and all their sessions have ended.");
    Ok(())
}

async fn set_disabled(config: &Config, email: &str, is_disabled: bool) -> Result<(), Failure> {
    let email: Email = email.parse()?;
    let domain = open(config, Relay::none()).await?;
    let without_admin =
        domain.system().set_disabled(&email, is_disabled).await.map_err(|error| unknown_user(error, &email))?;
    let done = if is_disabled { "was disabled, and all their sessions have ended" } else { "can log in again" };
    println!("{email} {done}.");
    for organization in without_admin {
        eprintln!(
            "aldis: {organization} has no other admin: nobody can manage its team until {email} is enabled again"
        );
    }
    Ok(())
}

/// Restores a copy; without one, finishes the import of a dump.
async fn restore(config: &Config, file: Option<&Path>, tokens: ApiTokens) -> Result<(), Unreachable> {
    let (url, now) = (&config.database_url, Clock::System.now());
    let (done, kept, valid) = match file {
        Some(file) => {
            let restored = domain::restore(url, file, now, tokens).await?;
            (format!("Restored the database from {}", file.display()), restored.kept, restored.tokens)
        }
        None => ("Finished the restore".to_owned(), None, domain::finish_import(url, now, tokens).await?),
    };
    if valid > 0 {
        eprintln!(
            "aldis: API tokens that were revoked since the copy was made are valid again (valid in all: {valid}). \
             Check them in the settings of each organization, or revoke all: stop Aldis and run \
             `aldis restore --after-import --revoke-tokens`"
        );
    }
    let ended = match tokens {
        ApiTokens::Keep => "all sessions, password resets and invitations have ended",
        ApiTokens::Revoke => "all sessions, password resets, invitations and API tokens have ended",
    };
    let kept = kept.map_or_else(String::new, |kept| format!(" The database before is {}.", kept.display()));
    println!("{done}: {ended}, and open pages will reload.{kept}");
    Ok(())
}

/// Names the e-mail address in a "not found" error.
fn unknown_user(error: Error, email: &Email) -> Error {
    match error.code {
        Code::NotFound => Error::invalid(format!("There is no user with the email address {email}.")),
        _ => error,
    }
}

async fn check(config: &Config) -> Result<(), Failure> {
    println!("Settings: OK. Public URL: {}", config.public_url.origin());
    let relay = open_relay(config, &Heartbeats::new(|| Clock::System.now()))?;
    let domain = Domain::closed(&config.database_url, relay, Clock::System).await?;
    let pending = domain.pending_migrations().await?;
    domain.ready().await?;
    let migrations = match pending {
        0 => "no pending migrations".to_owned(),
        1 => "1 pending migration; serve and migrate run it".to_owned(),
        pending => format!("{pending} pending migrations; serve and migrate run them"),
    };
    println!("Database: OK, {migrations}.");
    println!("Redis: {}.", if config.redis_url.is_some() { "OK" } else { "not configured" });
    if let Some(mail) = &config.mail {
        mail.test_connection().await.map_err(Failure::Mail)?;
    }
    println!("Mail: {}.", if config.mail.is_some() { "OK" } else { "not configured" });
    Ok(())
}
