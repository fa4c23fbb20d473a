//! The `forescale` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    forescale::cli::main()
}
