//! The commands: serve, migrate, demo, reset-password, reset-second-factor, disable-user, enable-user, backup, check.

use std::{
    io::{self, BufRead, IsTerminal, Write},
    process::ExitCode,
};

use clap::Parser;

use super::{
    AppState,
    auth::{COST, Passwords, signing_key::open_secrets},
    config::{Cli, Command, Config, ConfigError},
    domain::{Clock, Domain, Unreachable, demo},
    http::{
        assets::{Files, Site},
        listener,
    },
    jobs,
    live::relay::Relay,
    rate_limit::shared_counters::{REDIS_TIMEOUT, SharedCounters},
    telemetry,
};
use crate::model::{Code, Email, Error};

/// Why a command failed, for the person at the terminal.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("DATABASE_URL: the database cannot be used: {0}")]
    Database(#[from] Unreachable),
    #[error("REDIS_URL: {0}")]
    Redis(#[from] redis::RedisError),
    #[error("SMTP_URL: {0}")]
    Mail(String),
    #[error(transparent)]
    Refused(#[from] Error),
    #[error("{0}: {1}")]
    Io(String, #[source] io::Error),
    #[error("the browser's half is missing from this build; build with `make run` or `make release`")]
    NoClient,
}

/// Reads the command line and does what it says, with these files for the site.
pub fn main(files: Files) -> ExitCode {
    // Settings may also stand in a file; the environment wins over it.
    let dotenv = dotenvy::dotenv();
    let cli = Cli::parse();
    if let Err(dotenvy::Error::LineParse(line, at)) = &dotenv {
        eprintln!("aldis: .env cannot be read at position {at} of the line `{}`", line.split('=').next().unwrap_or(""));
        return ExitCode::FAILURE;
    }
    if let Some(word) = dotenv.ok().and_then(|file| open_secrets(&file)) {
        eprintln!("aldis: {word}");
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
    let config = cli.settings.check()?;
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => run_server(config, files, false).await,
        Command::Demo => run_server(config, files, true).await,
        Command::Migrate => {
            open(&config, Relay::none()).await?.close().await;
            println!("The database is up to date.");
            Ok(())
        }
        Command::ResetPassword { email } => reset_password(&config, &email).await,
        Command::ResetSecondFactor { email } => reset_second_factor(&config, &email).await,
        Command::DisableUser { email } => set_disabled(&config, &email, true).await,
        Command::EnableUser { email } => set_disabled(&config, &email, false).await,
        Command::Backup { file } => {
            // As it is: a copy made before an upgrade must not be upgraded by the making of it.
            let domain = Domain::connect(&config.database_url, Relay::none(), Clock::System).await?;
            domain.backup(&file).await?;
            println!("Wrote a copy of the database to {}. Keep it as safe as the database itself.", file.display());
            Ok(())
        }
        Command::Check => check(&config).await,
    }
}

async fn open(config: &Config, relay: Relay) -> Result<Domain, Failure> {
    Ok(Domain::open(&config.database_url, relay, Clock::System).await?)
}

async fn run_server(config: Config, files: Files, with_demo: bool) -> Result<(), Failure> {
    let site = Site::find(files).ok_or(Failure::NoClient)?;
    let listener = tokio::net::TcpListener::bind(config.listen)
        .await
        .map_err(|error| Failure::Io(format!("ALDIS_LISTEN: cannot listen on {}", config.listen), error))?;
    let relay = match &config.redis_url {
        Some(url) => Relay::open(url)?,
        None => Relay::none(),
    };
    let domain = open(&config, relay.clone()).await?;
    let counters = SharedCounters::open(domain.relay(), &config.secret, REDIS_TIMEOUT);
    let state = AppState::new(config, domain, counters, site, COST)?;
    if with_demo {
        let hash = state.passwords.hash(demo::PASSWORD).await?;
        if state.domain.system().create_demo(hash).await? {
            println!("Created the demonstration organization.");
        }
        let origin = state.config.public_url.origin();
        println!("Demonstration: {origin}/public/{} · log in as {} with {}", demo::SLUG, demo::EMAIL, demo::PASSWORD);
    }
    for word in state.config.warnings() {
        tracing::warn!("{word}");
    }
    tokio::spawn(relay.listen(state.domain.system(), state.stop.clone()));
    tokio::spawn(jobs::run(state.domain.system(), state.stop.clone()));
    println!("Aldis is ready at {}", state.config.public_url.origin());
    listener::serve(listener, state).await.map_err(|error| Failure::Io("the server stopped".into(), error))
}

async fn reset_password(config: &Config, email: &str) -> Result<(), Failure> {
    let email: Email = email.parse()?;
    if io::stdin().is_terminal() {
        print!("New password for {email} (12 to 128 characters, shown while you type): ");
        io::stdout().flush().map_err(|error| Failure::Io("standard output".into(), error))?;
    }
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map_err(|error| Failure::Io("standard input".into(), error))?;
    let password = line.trim_end_matches(['\r', '\n']);
    if !(12..=128).contains(&password.chars().count()) {
        return Err(Error::invalid("The password must have 12 to 128 characters; nothing was changed.").into());
    }
    let (domain, passwords) = (open(config, Relay::none()).await?, Passwords::new(COST)?);
    let known = domain.system().password_context(&email).await.map_err(|error| nobody(error, &email))?;
    passwords.check_strength(password, known).await.map_err(|error| {
        Error::invalid(error.fields.get("password").map_or("The password is too weak.", String::as_str))
    })?;
    let hash = passwords.hash(password).await?;
    domain.system().reset_password(&email, hash).await.map_err(|error| nobody(error, &email))?;
    println!("The password of {email} is changed, and all their sessions have ended.");
    Ok(())
}

async fn reset_second_factor(config: &Config, email: &str) -> Result<(), Failure> {
    let email: Email = email.parse()?;
    let domain = open(config, Relay::none()).await?;
    domain.system().reset_second_factor(&email).await.map_err(|error| match error.code {
        Code::NotFound => Error::invalid(format!("Nobody here has the e-mail address {email} and a second factor.")),
        _ => error,
    })?;
    println!("{email} needs no code any more, and all their sessions have ended. They can set up a new one.");
    Ok(())
}

async fn set_disabled(config: &Config, email: &str, is_disabled: bool) -> Result<(), Failure> {
    let email: Email = email.parse()?;
    let domain = open(config, Relay::none()).await?;
    let orphaned = domain.system().set_disabled(&email, is_disabled).await.map_err(|error| nobody(error, &email))?;
    let done = if is_disabled { "is shut out, and all their sessions have ended" } else { "may log in" };
    println!("{email} {done}.");
    for organization in orphaned {
        eprintln!("aldis: {organization} has no other admin: nobody can manage its team until {email} is let in again");
    }
    Ok(())
}

/// Says whom nobody knows.
fn nobody(error: Error, email: &Email) -> Error {
    match error.code {
        Code::NotFound => Error::invalid(format!("Nobody here has the e-mail address {email}.")),
        _ => error,
    }
}

async fn check(config: &Config) -> Result<(), Failure> {
    println!("Settings: in order. People reach us at {}.", config.public_url.origin());
    let relay = match &config.redis_url {
        Some(url) => Relay::open(url)?,
        None => Relay::none(),
    };
    let domain = Domain::connect(&config.database_url, relay, Clock::System).await?;
    domain.ready().await?;
    let schema = match domain.pending_migrations().await? {
        0 => "its schema is up to date".to_owned(),
        pending => format!("{pending} changes of its schema are pending; serve or migrate will make them"),
    };
    println!("Database: reached; {schema}.");
    println!("Redis: {}.", if config.redis_url.is_some() { "reached" } else { "not used" });
    if let Some(mail) = &config.mail {
        mail.test().await.map_err(Failure::Mail)?;
    }
    println!("Mail: {}.", if config.mail.is_some() { "reached" } else { "not used" });
    Ok(())
}
