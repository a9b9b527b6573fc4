//! Whether mails that are written down can arrive.

use super::{Connection, Finding, State};
use crate::{
    causes::Causes,
    platform::ses::{AskError, Ses, Standing, Verified},
};

const CHECK: &str = "mails";

pub(super) async fn check(connection: &Connection, is_local: bool, mail_from: Option<&str>) -> Vec<Finding> {
    let skipped = |found: &str, todo: &str| vec![Finding::not(State::Skipped, CHECK, found, todo)];
    match connection.stack.store.takes_mails().await {
        Ok(true) => {}
        Ok(false) => return skipped("not switched on", "nothing; to have them, deploy with the parameter MailFrom"),
        Err(error) => {
            return skipped(&Causes(&error).deepest(), "you need dynamodb:DescribeTable on the table of mails");
        }
    }
    if is_local {
        return skipped("on this machine SES writes files, and has nothing to verify", "nothing");
    }
    let ses = Ses::new(connection.services.ses());
    let account = ses.standing().await.map_or_else(|error| not_told(&error), standing);
    let mut findings = vec![account];
    let Some(address) = mail_from else {
        let todo = "give the address that mails come from with --mail-from, or in MAIL_FROM";
        findings.extend(skipped("no address to ask for", todo));
        return findings;
    };
    match ses.may_send_from(address).await {
        Ok(verified) => findings.extend(sender(address, verified)),
        Err(error) => findings.push(not_told(&error)),
    }
    findings
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

fn sender(address: &str, verified: Option<Verified>) -> Vec<Finding> {
    let Some(Verified { configuration_set, has_dkim, has_mail_from }) = verified else {
        let found = format!("{address} is not verified, so SES sends nothing from it");
        let todo = "verify the address or its domain in the SES console, in this region";
        return vec![Finding::not(State::Error, CHECK, found, todo)];
    };
    // What stops a set, stops its mails.
    let with = configuration_set.map(|set| format!(", with the configuration set {set}")).unwrap_or_default();
    let mut findings = vec![Finding::ok(CHECK, format!("SES lets {address} send{with}"))];
    if !has_dkim {
        let todo = "verify the domain with DKIM in the SES console, and set its three records";
        findings.push(Finding::not(
            State::Warning,
            CHECK,
            format!("no domain signs the mails of {address} (DKIM)"),
            todo,
        ));
    }
    if !has_mail_from {
        let found = format!("envelopes of {address} have SES's domain (MAIL FROM)");
        let todo = "give the identity a custom MAIL FROM domain in the SES console, and set its records of MX and SPF";
        findings.push(Finding::not(State::Warning, CHECK, found, todo));
    }
    findings
}

fn not_told(error: &AskError) -> Finding {
    let todo = "you need ses:GetAccount and ses:GetEmailIdentity; the service does not";
    Finding::not(State::Skipped, CHECK, Causes(error).deepest(), todo)
}
