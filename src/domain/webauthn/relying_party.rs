//! The relying party: who passkeys are for.

use std::net::IpAddr;

use crate::domain::{account::is_host, token::Issuer};

/// Who passkeys are for: a host, and the one origin whose pages may ask for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelyingParty {
    id: String,
    origin: String,
}

/// There can be no passkeys by these settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRelyingParty {
    /// The issuer has no name, but an address. Browsers make no passkeys for one.
    #[error("passkeys need an issuer with a name for a host, and {0} is none")]
    NoName(String),
    /// Browsers take the issuer's host or a domain above it, and nothing else (Web Authentication Level 3, section
    /// 5.1.3).
    #[error("passkeys are for the issuer's host {host}, or for a domain above it that has a dot")]
    NotAbove {
        /// The issuer's host.
        host: String,
    },
}

impl RelyingParty {
    /// The issuer's host, or a domain above it, if `id` names one. Passkeys that were made for one id are of no use
    /// under another.
    ///
    /// # Errors
    /// [`InvalidRelyingParty::NoName`], [`InvalidRelyingParty::NotAbove`].
    pub fn new(issuer: &Issuer, id: Option<&str>) -> Result<Self, InvalidRelyingParty> {
        let authority = issuer.host().to_ascii_lowercase();
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (host, port),
            Some(_) | None => (authority.as_str(), ""),
        };
        if !is_host(host) || host.parse::<IpAddr>().is_ok() {
            return Err(InvalidRelyingParty::NoName(host.to_owned()));
        }
        let id = id.map_or_else(|| host.to_owned(), str::to_ascii_lowercase);
        let is_above =
            id.contains('.') && is_host(&id) && host.strip_suffix(&id).is_some_and(|rest| rest.ends_with('.'));
        if id != host && !is_above {
            return Err(InvalidRelyingParty::NotAbove { host: host.to_owned() });
        }
        // A browser writes no port that its scheme has anyway (HTML Standard, "ASCII serialization of an origin").
        let is_default = matches!((issuer.is_secure(), port), (true, "443") | (false, "80") | (_, ""));
        let port = if is_default { String::new() } else { format!(":{port}") };
        Ok(Self { origin: format!("{}{host}{port}", issuer.scheme()), id })
    }

    /// Its id: a host in lower case, `rp.id` and `rpId` of the options.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The origin of its pages, as browsers write it.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn party(issuer: &str, id: Option<&str>) -> Result<(String, String), InvalidRelyingParty> {
        let RelyingParty { id, origin } = RelyingParty::new(&Issuer::parse(issuer).unwrap(), id)?;
        Ok((id, origin))
    }

    // Check 87.
    #[test]
    fn passkeys_are_for_the_issuer_s_whole_host_and_its_one_origin() {
        for (issuer, id, origin) in [
            ("https://auth.example.org", "auth.example.org", "https://auth.example.org"),
            ("https://auth.example.org/prod", "auth.example.org", "https://auth.example.org"),
            ("https://auth.example.org:443", "auth.example.org", "https://auth.example.org"),
            ("https://auth.example.org:8443/x", "auth.example.org", "https://auth.example.org:8443"),
            ("http://localhost:3000", "localhost", "http://localhost:3000"),
            ("http://localhost:80", "localhost", "http://localhost"),
            (
                "https://abc.execute-api.mx-central-1.amazonaws.com/prod",
                "abc.execute-api.mx-central-1.amazonaws.com",
                "https://abc.execute-api.mx-central-1.amazonaws.com",
            ),
        ] {
            assert_eq!(party(issuer, None), Ok((id.to_owned(), origin.to_owned())), "{issuer}");
        }
    }

    // Check 87.
    #[test]
    fn a_domain_above_the_host_can_be_named_and_no_other() {
        let issuer = "https://a.auth.example.org:8443";
        for id in ["a.auth.example.org", "auth.example.org", "EXAMPLE.org"] {
            let origin = "https://a.auth.example.org:8443".to_owned();
            assert_eq!(party(issuer, Some(id)), Ok((id.to_ascii_lowercase(), origin)), "{id}");
        }
        let host = "a.auth.example.org".to_owned();
        for id in ["", ".", "org", ".org", "h.example.org", "xample.org", ".example.org", "b.a.auth.example.org", "a"] {
            assert_eq!(party(issuer, Some(id)), Err(InvalidRelyingParty::NotAbove { host: host.clone() }), "{id}");
        }
    }

    #[test]
    fn an_address_has_no_passkeys() {
        for issuer in ["http://127.0.0.1:3000", "http://[::1]:3000", "https://[::1]", "http://a_b.example"] {
            assert!(matches!(party(issuer, None), Err(InvalidRelyingParty::NoName(_))), "{issuer}");
        }
    }
}
