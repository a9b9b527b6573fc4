//! The command line. Data goes to stdout, everything else to stderr; an error comes with what to do about it.

mod confirm;
mod connection;
mod doctor;
mod export;
mod failures;
mod harmless;
mod hint;
mod import;
mod key;
mod mail;
mod network;
mod openapi;
mod output;
mod roster;
mod secret;
mod serve;
mod session;
mod user;

use std::{error::Error, process::ExitCode};

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::functions::config::DEFAULT_STACK;

/// A log-on service for APIs on AWS Lambda: run it on this machine, and manage its accounts and keys here or on AWS.
#[derive(Parser)]
#[command(version, max_term_width = 100, after_help = "Start here:\n  jea-auth serve")]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the whole service on this machine, without AWS
    #[command(after_help = serve::HELP)]
    Serve(serve::Serve),
    /// Add, change, remove, import and export accounts
    #[command(subcommand)]
    User(user::UserCommand),
    /// List sessions, which log-ons open, and end them
    #[command(subcommand)]
    Session(session::SessionCommand),
    /// List, make and remove the keys that sign session tokens
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Try whether mails arrive
    #[command(subcommand)]
    Mail(mail::MailCommand),
    /// Check tables, keys, clock and accounts of a stack, and say what to do about each fault
    Doctor(doctor::Doctor),
    #[expect(clippy::doc_markdown, reason = "it is shown on a terminal")]
    /// Print the description of the service for programs (OpenAPI 3.1)
    Openapi(openapi::Openapi),
    /// Print a script that lets a shell complete these commands
    #[command(after_help = "For bash:\n  jea-auth completions bash > /etc/bash_completion.d/jea-auth")]
    Completions {
        /// The shell that the script is for
        shell: clap_complete::Shell,
    },
}

/// Which stack, and how to print.
#[derive(Args, Clone)]
struct Target {
    /// Work on the service that `jea-auth serve` runs on this machine, instead of AWS
    #[arg(long)]
    local: bool,
    /// The name that the stack was deployed under; the names of its tables and of its KMS alias begin with it
    #[arg(long, env = "STACK_NAME", hide_env_values = true, default_value = DEFAULT_STACK)]
    stack: String,
    /// Print JSON instead of a table: one array of objects
    #[arg(long)]
    json: bool,
}

/// What went wrong, and what to do about it.
#[derive(Debug)]
struct Failure {
    cause: Box<dyn Error + Send + Sync>,
    hint: Option<String>,
}

impl Failure {
    fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { cause: message.into().into(), hint: Some(hint.into()) }
    }

    fn with_hint(cause: impl Error + Send + Sync + 'static, hint: impl Into<String>) -> Self {
        Self { cause: Box::new(cause), hint: Some(hint.into()) }
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for Failure {
    fn from(cause: E) -> Self {
        Self { cause: Box::new(cause), hint: None }
    }
}

/// Runs what the command line says.
#[must_use]
pub fn run() -> ExitCode {
    let parsed = CommandLine::command().try_get_matches().and_then(|matches| {
        let command_line = CommandLine::from_arg_matches(&matches);
        let command_line = command_line.map_err(|error| error.format(&mut CommandLine::command()))?;
        Ok((command_line, Target::of(&matches)))
    });
    let (command_line, target) = match parsed {
        Ok(parsed) => parsed,
        Err(instead) => return tell(&instead),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    let done = runtime.block_on(async {
        network::roots()?;
        match command_line.command {
            Command::Serve(serve) => serve.run().await,
            Command::User(user) => user.run().await,
            Command::Session(session) => session.run().await,
            Command::Key(key) => key.run().await,
            Command::Mail(mail) => mail.run().await,
            Command::Doctor(doctor) => doctor.run().await,
            Command::Openapi(openapi) => openapi.run(),
            Command::Completions { shell } => {
                let mut command = CommandLine::command();
                // Straight to stdout it would panic where nothing can be written.
                let mut completions = Vec::new();
                clap_complete::generate(shell, &mut command, "jea-auth", &mut completions);
                output::data(&String::from_utf8_lossy(&completions)).map(drop)
            }
        }
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(mut failure) => {
            if let (Some(target), Some(hint)) = (&target, &mut failure.hint) {
                *hint = target.said(hint);
            }
            failed(&failure)
        }
    }
}

fn failed(failure: &Failure) -> ExitCode {
    output::error(failure);
    ExitCode::FAILURE
}

/// Prints what clap has to say instead of a command: help, the version, or what is wrong with the arguments. It repeats
/// arguments as they are, so its styles are kept only if no argument could be taken for one.
fn tell(instead: &clap::Error) -> ExitCode {
    let text = if std::env::args_os().any(|argument| harmless::acts(&argument.to_string_lossy())) {
        instead.render().to_string().lines().map(|line| harmless::text(line) + "\n").collect()
    } else {
        instead.render().ansi().to_string()
    };
    if instead.use_stderr() {
        output::styled_note(&text);
        return u8::try_from(instead.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from);
    }
    match output::styled_data(&text) {
        Ok(_) => ExitCode::SUCCESS,
        Err(failure) => failed(&failure),
    }
}
