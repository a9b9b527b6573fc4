//! The terminal program.

fn main() -> std::process::ExitCode {
    jea_auth::cli::run()
}
