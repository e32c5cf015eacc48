//! The server's front door.

use std::process::ExitCode;

fn main() -> ExitCode {
    aldis::server::main()
}
