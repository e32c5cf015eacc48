//! The server binary, with the site's files embedded.

use std::process::ExitCode;

/// The files built by `cargo xtask build`. Embedded in this crate so that a change to the client does not recompile the
/// library.
#[derive(rust_embed::RustEmbed)]
#[folder = "target/site/"]
#[allow_missing = true]
struct Site;

fn main() -> ExitCode {
    aldis::server::main(aldis::server::Files::of::<Site>())
}
