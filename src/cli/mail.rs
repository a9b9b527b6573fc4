//! `jea-auth mail`, and the mails that other commands have sent.

use clap::Subcommand;

use super::{Failure, Target, output};
use crate::{
    causes::Causes,
    domain::{account::Email, mail::MailKind},
    platform::{
        machine,
        store::{Store, StoreError},
    },
};

const TEST_HELP: &str = "\
Anybody can be written to; no account is needed. The mail takes the same way as all others: the command writes it into the
stack's table of mails, and the mailer function sends it by SES. If it does not arrive within a minute, look into the spam
folder, then say `jea-auth doctor`, then read the mailer's log.

With --local nothing is sent anywhere: `jea-auth serve` writes the mail into the folder of mails that it names at its start, and
with --no-mail does nothing with it.

Example:
  jea-auth mail test yi@jeplus.org";

#[derive(Subcommand)]
pub(super) enum MailCommand {
    /// Have a test mail sent, to see whether mails arrive
    #[command(after_help = TEST_HELP)]
    Test {
        /// Who gets it
        email: String,
        #[command(flatten)]
        target: Target,
    },
}

impl MailCommand {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let Self::Test { email, target } = self;
        let email = Email::parse(&email)?;
        mailable(&email)?;
        let store = target.connect().await.stack.store;
        switched_on(&store, &target).await?;
        send(&store, MailKind::Test, &email).await.map_err(|error| target.unreachable(error))?;
        output::note(&format!("a test mail is on its way to {}", email.as_str()));
        Ok(())
    }
}

/// What an email has to which mails are sent.
const MAILABLE: &str =
    "SES takes ASCII letters, digits and signs before the @, and a domain like example.org behind it";

/// Fails if no mail can be sent to an email. Commands that are about one that is new, or have a mail sent, ask first.
pub(super) fn mailable(email: &Email) -> Result<(), Failure> {
    if email.can_be_mailed() {
        return Ok(());
    }
    let hint = format!("nothing was changed; {MAILABLE}");
    Err(Failure::new(format!("no mail can be sent to {}", email.as_str()), hint))
}

/// Warns if no mail can be sent to the email of an account that comes in all the same.
pub(super) fn warn_unless_mailable(email: &Email) {
    if !email.can_be_mailed() {
        output::note(&format!("warning: no mail can be sent to {}: {MAILABLE}", email.as_str()));
    }
}

/// Fails where mails are not switched on. Commands that cannot do without ask before they change anything.
pub(super) async fn switched_on(store: &Store, target: &Target) -> Result<(), Failure> {
    if store.takes_mails().await.map_err(|error| target.unreachable(error))? {
        return Ok(());
    }
    let hint = if target.local {
        "nothing was changed; start `jea-auth serve` without --no-mail".to_owned()
    } else {
        format!("nothing was changed; deploy the stack {} with the parameter MailFrom", target.stack)
    };
    Err(Failure::new("mails are not switched on", hint))
}

/// Has a mail sent.
pub(super) async fn send(store: &Store, kind: MailKind, email: &Email) -> Result<(), StoreError> {
    store.send_mail(&machine::random(), kind, email, machine::now()).await
}

/// Tells an owner what was done to the account, where mails are switched on. What was done has been done, so a mail
/// that cannot be written down is no failure of the command.
pub(super) async fn notify(store: &Store, kind: MailKind, email: &Email) {
    let told = match store.takes_mails().await {
        Ok(true) => send(store, kind, email).await,
        Ok(false) => Ok(()),
        Err(error) => Err(error),
    };
    if let Err(error) = told {
        let causes = Causes(&error).to_string();
        output::note(&format!("warning: it is done, but {} gets no mail about it: {causes}", email.as_str()));
    }
}
