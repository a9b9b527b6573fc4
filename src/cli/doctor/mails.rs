//! Whether mails that are written down can arrive.

use super::{Connection, Finding, State, deepest};
use crate::platform::ses::{AskError, Ses, Standing, Verified};

const CHECK: &str = "mails";

pub(super) async fn check(connection: &Connection, is_local: bool, mail_from: Option<&str>) -> Vec<Finding> {
    let skipped = |found: &str, todo: &str| vec![Finding::not(State::Skipped, CHECK, found, todo)];
    match connection.stack.store.takes_mails().await {
        Ok(true) => {}
        Ok(false) => return skipped("not switched on", "nothing; to have them, deploy with the parameter MailFrom"),
        Err(error) => return skipped(&deepest(&error), "you need dynamodb:DescribeTable on the table of mails"),
    }
    if is_local {
        return skipped("on this machine SES writes files, and has nothing to verify", "nothing");
    }
    let ses = Ses::new(connection.services.ses());
    let account = ses.standing().await.map_or_else(|error| not_told(&error), standing);
    let sender = match mail_from {
        Some(address) => match ses.may_send_from(address).await {
            Ok(verified) => sender(address, verified),
            Err(error) => not_told(&error),
        },
        None => Finding::not(
            State::Skipped,
            CHECK,
            "no address to ask for",
            "give the address that mails come from with --mail-from, or in MAIL_FROM",
        ),
    };
    vec![account, sender]
}

fn standing(Standing { is_sandbox, is_sending }: Standing) -> Finding {
    if !is_sending {
        let todo = "AWS has paused it: see the reputation of your account in the SES console";
        return Finding::not(State::Error, CHECK, "SES sends nothing for this account", todo);
    }
    if is_sandbox {
        let found = "SES is in its sandbox: only verified addresses get mails";
        return Finding::not(State::Warning, CHECK, found, "ask for production access in the SES console");
    }
    Finding::ok(CHECK, "SES sends to everybody")
}

fn sender(address: &str, verified: Option<Verified>) -> Finding {
    match verified {
        Some(Verified { configuration_set: None }) => Finding::ok(CHECK, format!("SES lets {address} send")),
        // What stops a set, stops its mails.
        Some(Verified { configuration_set: Some(set) }) => {
            Finding::ok(CHECK, format!("SES lets {address} send, with the configuration set {set}"))
        }
        None => {
            let found = format!("{address} is not verified, so SES sends nothing from it");
            let todo = "verify the address or its domain in the SES console, in this region";
            Finding::not(State::Error, CHECK, found, todo)
        }
    }
}

fn not_told(error: &AskError) -> Finding {
    let todo = "you need ses:GetAccount and ses:GetEmailIdentity; the service does not";
    Finding::not(State::Skipped, CHECK, deepest(error), todo)
}
