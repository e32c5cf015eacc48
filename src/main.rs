//! The server's front door, with the site's files inside.

use std::process::ExitCode;

/// What `cargo xtask build` made of the client, the styles and `public`. A crate of its own, so that another client does
/// not mean another server.
#[derive(rust_embed::RustEmbed)]
#[folder = "target/site/"]
#[allow_missing = true]
struct Site;

fn main() -> ExitCode {
    aldis::server::main(aldis::server::Files::of::<Site>())
}
