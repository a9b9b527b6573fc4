//! Whether the passkeys of accounts can be used where the service is.

use super::{Connection, Finding, State};
use crate::domain::{account::Account, token::Issuer, webauthn::RelyingParty};

const CHECK: &str = "passkeys";

/// What hosts of API Gateway end in, by partition (API Gateway Developer Guide, "Invoke REST APIs").
const OF_API_GATEWAY: [&str; 2] = [".amazonaws.com", ".amazonaws.com.cn"];

/// What is found of them, account by account.
pub(super) struct Passkeys {
    /// The host of the service, where its URL is known and has a name; or the domain above it that passkeys are for.
    host: Option<String>,
    /// Whether they are for this alone, as the operator has said.
    is_exact: bool,
    /// Whether accounts are found by their handles, where that can be seen.
    has_index: Option<bool>,
    seen: usize,
    elsewhere: usize,
}

impl Passkeys {
    pub(super) async fn of(connection: &Connection, url: Option<&str>, rp_id: Option<&str>) -> Self {
        Self { has_index: connection.stack.store.has_index().await.ok(), ..Self::at(url, rp_id) }
    }

    fn at(url: Option<&str>, rp_id: Option<&str>) -> Self {
        let issuer = url.and_then(|url| Issuer::parse(url).ok());
        let rp_id = rp_id.filter(|id| !id.is_empty());
        let party = issuer.and_then(|issuer| RelyingParty::new(&issuer, rp_id).ok());
        let host = party.map(|party| party.id().to_owned());
        Self { host, is_exact: rp_id.is_some(), has_index: None, seen: 0, elsewhere: 0 }
    }

    pub(super) fn look_at(&mut self, account: &Account) {
        for passkey in account.passkeys.values() {
            self.seen += 1;
            self.elsewhere += usize::from(!self.are_of_use(&passkey.rp_id));
        }
    }

    /// Whether passkeys of this host or domain are of use: where the service's host alone is known, those for it or
    /// for a domain above it, and where it is not, all.
    pub(super) fn are_of_use(&self, rp_id: &str) -> bool {
        let Some(host) = &self.host else { return true };
        let before = host.strip_suffix(rp_id);
        before.is_some_and(|before| before.is_empty() || !self.is_exact && before.ends_with('.'))
    }

    pub(super) fn finding(&self) -> Finding {
        let Self { host, has_index, seen, elsewhere, .. } = self;
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
            let passkeys = Passkeys { seen, elsewhere, ..Passkeys::at(url, None) };
            assert!(passkeys.finding().state == state, "{url:?}, {elsewhere} of {seen}");
        }
        let without =
            Passkeys { seen: 1, has_index: Some(false), ..Passkeys::at(Some("https://auth.example.org"), None) };
        assert!(without.finding().state == State::Error);
    }

    #[test]
    fn passkeys_are_for_the_domain_that_the_operator_names_or_for_the_host_or_one_above_it() {
        let url = Some("https://auth.example.org/prod");
        for (url, named, of_host, of_domain, of_another) in [
            (url, None, true, true, false),
            (url, Some(""), true, true, false),
            (url, Some("example.org"), false, true, false),
            (url, Some("auth.example.org"), true, false, false),
            (None, None, true, true, true),
        ] {
            let passkeys = Passkeys::at(url, named);
            for (rp_id, expected) in
                [("auth.example.org", of_host), ("example.org", of_domain), ("h.example.org", of_another)]
            {
                assert_eq!(passkeys.are_of_use(rp_id), expected, "{url:?}, {named:?}: {rp_id}");
            }
        }
    }
}
