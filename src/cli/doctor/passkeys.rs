//! Whether the passkeys of accounts can be used where the service is.

use super::{Connection, Finding, State};
use crate::domain::{account::Account, passkey::StoredPasskey, token::Issuer, webauthn::RelyingParty};

const CHECK: &str = "passkeys";

/// What hosts of API Gateway end in, by partition (API Gateway Developer Guide, "Invoke REST APIs").
const OF_API_GATEWAY: [&str; 2] = [".amazonaws.com", ".amazonaws.com.cn"];

/// What is found of them, account by account.
pub(super) struct Passkeys {
    /// The host of the service, where its URL is known and has a name.
    host: Option<String>,
    /// Whether accounts are found by their handles, where that can be seen.
    has_index: Option<bool>,
    seen: usize,
    elsewhere: usize,
}

impl Passkeys {
    pub(super) async fn of(connection: &Connection, url: Option<&str>) -> Self {
        Self { has_index: connection.stack.store.has_index().await.ok(), ..Self::at(url) }
    }

    fn at(url: Option<&str>) -> Self {
        let issuer = url.and_then(|url| Issuer::parse(url).ok());
        let party = issuer.and_then(|issuer| RelyingParty::new(&issuer, None).ok());
        Self { host: party.map(|party| party.id().to_owned()), has_index: None, seen: 0, elsewhere: 0 }
    }

    pub(super) fn look_at(&mut self, account: &Account) {
        for passkey in account.passkeys.values() {
            self.seen += 1;
            self.elsewhere += usize::from(!self.is_usable(passkey));
        }
    }

    /// Whether a passkey is for the host, or for a domain above it; where the host is not known, each is.
    pub(super) fn is_usable(&self, passkey: &StoredPasskey) -> bool {
        let is_for = |host: &String| {
            host.strip_suffix(&passkey.rp_id).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        self.host.as_ref().is_none_or(is_for)
    }

    pub(super) fn finding(&self) -> Finding {
        let Self { host, has_index, seen, elsewhere } = self;
        match host {
            _ if *seen == 0 => Finding::ok(CHECK, "none"),
            _ if *has_index == Some(false) => {
                let found = format!("{seen}, which log nobody on: the table of accounts has no index of handles");
                Finding::not(
                    State::Error,
                    CHECK,
                    found,
                    "update the stack; the index is made beside the running service",
                )
            }
            None => {
                let found = format!("{seen}; whether they are for the service's host is not known");
                Finding::not(State::Skipped, CHECK, found, "give the service's URL with --url, or in ISSUER")
            }
            Some(host) if *elsewhere > 0 => {
                let found = format!("{elsewhere} of {seen} are for another host than {host}, and log nobody on");
                let todo = "nothing, if the service has moved; their owners remove them and make others";
                Finding::not(State::Warning, CHECK, found, todo)
            }
            Some(host) if OF_API_GATEWAY.iter().any(|end| host.ends_with(end)) => {
                let found = format!("{seen} are for {host}, and are lost when the API is made anew");
                Finding::not(State::Warning, CHECK, found, "give the service a domain of its own before there are more")
            }
            Some(host) => Finding::ok(CHECK, format!("{seen}, which are for {host}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passkeys_of_another_host_and_those_that_are_lost_with_the_api_are_told() {
        let api = "https://abc.execute-api.eu-west-1.amazonaws.com/prod";
        for (url, seen, elsewhere, state) in [
            (None, 0, 0, State::Ok),
            (None, 1, 0, State::Skipped),
            (Some("http://127.0.0.1:3000"), 1, 0, State::Skipped),
            (Some("https://auth.example.org"), 2, 0, State::Ok),
            (Some("https://auth.example.org"), 2, 1, State::Warning),
            (Some(api), 2, 0, State::Warning),
            (Some(api), 0, 0, State::Ok),
        ] {
            let passkeys = Passkeys { seen, elsewhere, ..Passkeys::at(url) };
            assert!(passkeys.finding().state == state, "{url:?}, {elsewhere} of {seen}");
        }
        let without = Passkeys { seen: 1, has_index: Some(false), ..Passkeys::at(Some("https://auth.example.org")) };
        assert!(without.finding().state == State::Error);
    }
}
