//! Builds the clients and the server with cargo.

use std::{env, path::PathBuf, process::Command};

use anyhow::{Context, Result, bail};

use crate::Build;

/// The browser's target.
const BROWSER: &str = "wasm32-unknown-unknown";

/// Builds a client's package and returns the path of the compiled module.
pub fn client(package: &str, build: Build) -> Result<PathBuf> {
    let profile = build.client_profile();
    run(&["build", "--locked", "--package", package, "--profile", profile, "--target", BROWSER])?;
    Ok(target_dir().join(BROWSER).join(profile).join(format!("{}.wasm", package.replace('-', "_"))))
}

/// Builds the server's library, but not its binary, which embeds the site.
pub fn server_library(build: Build) -> Result<()> {
    run(&["build", "--locked", "--package", "aldis", "--lib", "--profile", build.profile()])
}

/// Builds the server and returns the path of its binary.
pub fn server(build: Build) -> Result<PathBuf> {
    run(&["build", "--locked", "--package", "aldis", "--profile", build.profile()])?;
    Ok(target_dir().join(build.profile()).join("aldis"))
}

/// Cargo's target folder.
pub fn target_dir() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from)
}

fn run(arguments: &[&str]) -> Result<()> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    // Two of them run in parallel, and two progress bars would be unreadable.
    command.args(arguments).env("CARGO_TERM_PROGRESS_WHEN", "never");
    // What cargo has told this program about itself. Build scripts look at it: set here and not for `cargo test`, it would
    // have ring, and all that depends on it, compiled again at each change between the two.
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
            command.env_remove(name);
        }
    }
    let status = command.status().context("cargo cannot be started")?;
    if !status.success() {
        bail!("'cargo {}' failed", arguments.join(" "));
    }
    Ok(())
}
