//! What cargo builds: the clients and the server.

use std::{env, path::PathBuf, process::Command};

use anyhow::{Context, Result, bail};

use crate::Build;

/// What browsers run.
const BROWSER: &str = "wasm32-unknown-unknown";

/// Builds a client's package and returns the path of its module, as the compiler leaves it.
///
/// # Errors
/// When cargo fails.
pub fn client(package: &str, build: Build) -> Result<PathBuf> {
    let profile = build.client_profile();
    run(&["build", "--locked", "--package", package, "--profile", profile, "--target", BROWSER])?;
    Ok(target_dir().join(BROWSER).join(profile).join(format!("{}.wasm", package.replace('-', "_"))))
}

/// Builds what the server is made of, but not the program, which embeds the site.
///
/// # Errors
/// When cargo fails.
pub fn server_library(build: Build) -> Result<()> {
    run(&["build", "--locked", "--package", "aldis", "--lib", "--profile", build.profile()])
}

/// Builds the server and returns the path of the program.
///
/// # Errors
/// When cargo fails.
pub fn server(build: Build) -> Result<PathBuf> {
    run(&["build", "--locked", "--package", "aldis", "--profile", build.profile()])?;
    Ok(target_dir().join(build.profile()).join("aldis"))
}

/// Where cargo builds.
pub fn target_dir() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from)
}

fn run(arguments: &[&str]) -> Result<()> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(arguments)
        // Two of them run side by side: each with a bar on the last line would be unreadable.
        .env("CARGO_TERM_PROGRESS_WHEN", "never")
        .status()
        .context("cargo does not start")?;
    if !status.success() {
        bail!("'cargo {}' failed", arguments.join(" "));
    }
    Ok(())
}
