//! `cargo xtask`: the steps that make Aldis of its parts. What each step needs is in `scripts/setup`.
//!
//! It does what `cargo leptos build` does, with few crates and with the wasm-bindgen that the lock file pins.

mod bindgen;
mod cargo;
mod site;

use std::{env, path::PathBuf, process::ExitCode, thread, time::Instant};

use anyhow::{Context, Result, anyhow, bail};

const USAGE: &str = "\
cargo xtask build [--release]   builds the client, the styles and the server, each only where something has changed
cargo xtask site [--release]    builds the client and the styles into target/site, for a server that is built by hand

Without --release the build is quick: optimised enough to use, fast to make.";

/// How much the build cares about its outcome, beside its own time.
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
        _ => bail!("this is not a task.\n\n{USAGE}"),
    };
    env::set_current_dir(root()).context("the project's folder cannot be entered")?;
    let begun = Instant::now();
    match task {
        "build" => {
            let binary = build_all(build)?;
            println!("Built {} in {} s", binary.display(), begun.elapsed().as_secs());
        }
        "site" => site::build(build)?,
        _ => bail!("there is no task '{task}'.\n\n{USAGE}"),
    }
    Ok(())
}

/// Builds the two halves side by side: at the end of each, one compiler runs alone for a minute. Their profiles have
/// folders of their own, so that neither cargo waits for the other's lock.
fn build_all(build: Build) -> Result<PathBuf> {
    thread::scope(|scope| {
        let library = scope.spawn(|| cargo::server_library(build));
        let site = site::build(build);
        library.join().map_err(|_| anyhow!("the build of the server panicked"))??;
        site
    })?;
    cargo::server(build)
}

/// A program that npm has installed for the project, whatever else is on PATH.
fn tool(name: &str) -> PathBuf {
    PathBuf::from("style/node_modules/.bin").join(name)
}

/// The project's folder.
fn root() -> PathBuf {
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    own.parent().map_or_else(|| own.clone(), PathBuf::from)
}
