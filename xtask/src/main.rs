//! `cargo xtask`: the build steps. `scripts/setup` installs the tools they need.
//!
//! Does what `cargo leptos build` does, with few crates and with the version of wasm-bindgen in the lock file.

mod bindgen;
mod cargo;
mod site;

use std::{
    env,
    hash::{DefaultHasher, Hash, Hasher},
    path::PathBuf,
    process::ExitCode,
    thread,
    time::Instant,
};

use anyhow::{Context, Result, anyhow, bail};

const USAGE: &str = "\
cargo xtask build [--release]   builds the client, the styles and the server, as far as they have changed
cargo xtask site [--release]    builds the client and the styles into target/site

Without --release the build is quick: optimised enough to use, fast to make.";

/// The kind of build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Build {
    /// Optimised enough to use, fast to make.
    Quick,
    /// Small and fast, to deploy.
    Release,
}

impl Build {
    /// The server's Cargo profile.
    const fn profile(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Release => "release",
        }
    }

    /// The clients' Cargo profile.
    const fn client_profile(self) -> &'static str {
        match self {
            Self::Quick => "quick-client",
            Self::Release => "release-client",
        }
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (task, build) = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [task] => (task, Build::Quick),
        [task, "--release"] => (task, Build::Release),
        _ => bail!("invalid arguments.\n\n{USAGE}"),
    };
    env::set_current_dir(root()).context("cannot enter the project's folder")?;
    let started = Instant::now();
    match task {
        "build" => {
            let binary = build_all(build)?;
            println!("Built {} in {} s", binary.display(), started.elapsed().as_secs());
        }
        "site" => site::build(build)?,
        _ => bail!("unknown task '{task}'.\n\n{USAGE}"),
    }
    Ok(())
}

/// Builds both halves in parallel, as each ends with a minute of one compiler process. Their profiles have separate
/// folders, so neither waits for the other's lock.
fn build_all(build: Build) -> Result<PathBuf> {
    thread::scope(|scope| {
        let library = scope.spawn(|| cargo::server_library(build));
        let site = site::build(build);
        library.join().map_err(|_| anyhow!("the build of the server panicked"))??;
        site
    })?;
    cargo::server(build)
}

/// A hash of a file's content, of 16 digits.
fn content_hash(content: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// The project's own copy of an npm tool.
fn tool(name: &str) -> PathBuf {
    PathBuf::from("style/node_modules/.bin").join(name)
}

/// The project's folder.
fn root() -> PathBuf {
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    own.parent().map_or_else(|| own.clone(), PathBuf::from)
}
