//! `jea-auth serve`: the whole stack on this machine.

use std::{io, net::SocketAddr, path::PathBuf};

use axum::http::{StatusCode, Uri};
use clap::{Args, ValueEnum};

use super::{Failure, doctor, output};
use crate::{
    api::Operation,
    functions::{config::is_origin, logon::TokenDelivery},
    local::{self, DEMO_EMAIL, DEMO_PASSWORD, LocalError, Options, PATIENCE, Running},
    platform::machine,
};

pub(super) const HELP: &str = "\
Addresses are of this machine only, and requests must call it localhost, 127.0.0.1 or [::1]. A client has 10 seconds for the
head of a request, as many for its body, and as many until it takes more of an answer; then it is cut. Ctrl-C stops, once
requests under way are answered, for which they have 3 seconds; the data is there at the next start.";

#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(super) struct Serve {
    /// The address and port of the service
    #[arg(long, default_value = "127.0.0.1:3000", value_parser = loopback)]
    listen: SocketAddr,
    /// The address and port of the embedded DynamoDB, which the other commands use with --local
    #[arg(long, default_value = "127.0.0.1:8000", value_parser = loopback)]
    dynamodb: SocketAddr,
    /// The address and port of the embedded KMS, which encrypts the private keys
    #[arg(long, default_value = "127.0.0.1:8001", value_parser = loopback)]
    kms: SocketAddr,
    /// The folder that keeps accounts, sessions and keys
    #[arg(long, default_value = ".jea-auth")]
    data: PathBuf,
    /// Keep everything in memory; when the service stops, it is lost
    #[arg(long, conflicts_with = "data")]
    memory: bool,
    /// Send no mails; without this each is written into a file below the data folder
    #[arg(long)]
    no_mail: bool,
    /// Have no pages; without this there is one to log on in a browser
    #[arg(long)]
    no_pages: bool,
    /// Have no passkeys; without this they log on at localhost, without a password
    #[arg(long)]
    no_passkeys: bool,
    /// Your own API: requests with a valid session go there, unless they are for an operation of the service
    #[arg(long, value_name = "http://HOST:PORT", value_parser = http_url)]
    backend: Option<Uri>,
    /// Let pages of this origin use the service in a browser (CORS); can be given several times
    #[arg(long, value_name = "http://HOST:PORT", value_parser = origin)]
    allow_origin: Vec<String>,
    /// Where a log-on puts the session token
    #[arg(long, value_enum, default_value = "cookie")]
    token_delivery: Delivery,
    /// Whose accounts must have a second factor
    #[arg(long, value_name = "off|all|ROLE", value_parser = require_factor, default_value = "off")]
    require_factor: String,
    /// The HTTP status of a failed log-on; 200 is for clients that read the answer only then
    #[arg(long, value_parser = ["401", "200"], default_value = "401")]
    failed_logon_status: String,
}

#[derive(Clone, Copy, ValueEnum)]
enum Delivery {
    /// In the cookie `session_token`
    Cookie,
    /// In the member jwt of the JSON answer
    Body,
}

impl Serve {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let options = Options {
            listen: self.listen,
            dynamodb: self.dynamodb,
            other_dynamodb: None,
            kms: self.kms,
            data: (!self.memory).then_some(self.data),
            backend: self.backend,
            allowed_origins: self.allow_origin,
            delivery: match self.token_delivery {
                Delivery::Cookie => TokenDelivery::Cookie,
                Delivery::Body => TokenDelivery::Body,
            },
            patience: PATIENCE,
            mail: !self.no_mail,
            // A page keeps no token, so it needs the cookie.
            pages: !self.no_pages && matches!(self.token_delivery, Delivery::Cookie),
            failed_logon_status: match self.failed_logon_status.as_str() {
                "200" => StatusCode::OK,
                _ => StatusCode::UNAUTHORIZED,
            },
            passkeys: !self.no_passkeys,
            require_factor: self.require_factor,
        };
        machine::start_log();
        // Before the first request is answered: whoever starts this as a program may stop it right after that.
        let stopped = stop_signal()?;
        let mut running = local::start(&options, machine::system_clock()).await.map_err(explained)?;
        let ended = match greet(&running, &options) {
            Ok(()) => tokio::select! {
                broken = running.broken() => broken.map_err(Failure::from),
                stopped = stopped => stopped.map_err(Failure::from),
            },
            Err(failure) => Err(failure),
        };
        output::note("stopping");
        running.stop().await;
        ended
    }
}

fn greet(running: &Running, options: &Options) -> Result<(), Failure> {
    let Running { dynamodb_url, kms_url, config, .. } = running;
    // By its name: browsers make no passkeys for an address.
    let url = config.site.issuer.as_str();
    output::note(&format!("jea-auth {} on this machine; Ctrl-C stops it", env!("CARGO_PKG_VERSION")));
    if options.pages {
        output::note(&format!("  page      {url}{}", Operation::SignInPage.route().path));
    }
    output::note(&format!("  service   {url}"));
    output::note(&format!("  DynamoDB  {dynamodb_url}"));
    output::note(&format!("  KMS       {kms_url}"));
    match &options.data {
        Some(folder) => output::note(&format!("  data      {}", folder.display())),
        None => output::note("  data      in memory, gone at the end"),
    }
    match (&options.data, options.mail) {
        (_, false) => output::note("  mails     none"),
        (Some(folder), true) => output::note(&format!("  mails     {}", folder.join("mail").display())),
        (None, true) => output::note("  mails     each is shown here"),
    }
    if !running.has_demo {
        output::note("Log on with an account of yours; `jea-auth user list --local` shows them.");
        return Ok(());
    }
    output::note("Log on as the demo account, then see who you are:");
    let credential = format!("{{\"email\": \"{DEMO_EMAIL}\", \"password\": \"{DEMO_PASSWORD}\"}}");
    output::data(&format!(
        "curl -c cookies -H 'Content-Type: application/json' -X POST -d '{credential}' {url}{}\n\
         curl -b cookies {url}{}\n",
        Operation::LogOn.route().path,
        Operation::User.route().path
    ))?;
    Ok(())
}

/// Catches Ctrl-C and, where there is such a thing, SIGTERM from now on. What comes back waits for one of them.
fn stop_signal() -> io::Result<impl Future<Output = io::Result<()>>> {
    #[cfg(unix)]
    let (mut interrupt, mut terminate) = {
        use tokio::signal::unix::{SignalKind, signal};
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
    };
    Ok(async move {
        #[cfg(unix)]
        tokio::select! {
            _ = interrupt.recv() => Ok(()),
            _ = terminate.recv() => Ok(()),
        }
        #[cfg(not(unix))]
        tokio::signal::ctrl_c().await
    })
}

fn explained(error: LocalError) -> Failure {
    match &error {
        LocalError::Listen { address, option, source } => {
            let hint = if source.kind() == io::ErrorKind::AddrInUse {
                format!(
                    "another program listens there, perhaps another `jea-auth serve`; stop it, or choose another \
                     address with {option} {}:PORT",
                    address.ip()
                )
            } else {
                format!("choose another address with {option} 127.0.0.1:PORT")
            };
            Failure::with_hint(error, hint)
        }
        LocalError::Folder { .. } | LocalError::Database(_) => {
            Failure::with_hint(error, "choose another folder with --data, or keep everything in memory with --memory")
        }
        LocalError::SealingKey { .. } => Failure::with_hint(
            error,
            "bring the right file back; an empty or short one is of a start that was cut off, and can be removed if the \
             folder has never been used",
        ),
        LocalError::Keys(_) | LocalError::Rotation(_) => {
            Failure::with_hint(error, "or start afresh with another folder: --data FOLDER")
        }
        LocalError::Store(_)
        | LocalError::Hash(_)
        | LocalError::Email(_)
        | LocalError::Name(_)
        | LocalError::Config(_)
        | LocalError::Broken(_)
        | LocalError::Task(_) => error.into(),
    }
}

fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text.parse().map_err(|_| "not an address like 127.0.0.1:3000".to_owned())?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err("the local service is not made for other machines to reach; use 127.0.0.1 or [::1]".to_owned())
    }
}

fn origin(text: &str) -> Result<String, String> {
    if is_origin(text) { Ok(text.to_owned()) } else { Err("not an origin like http://localhost:5173".to_owned()) }
}

fn require_factor(text: &str) -> Result<String, &'static str> {
    doctor::require_factor(text).map(|_| text.to_owned())
}

fn http_url(text: &str) -> Result<Uri, String> {
    let uri: Uri = text.parse().map_err(|_| "not a URL".to_owned())?;
    if uri.scheme_str() == Some("http") && uri.authority().is_some() {
        Ok(uri)
    } else {
        Err("not a URL like http://127.0.0.1:9999".to_owned())
    }
}
