//! The cross-site rule: a browser page of another site can make a browser send our cookie, and must gain nothing.

/// What a request says of where it comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provenance {
    /// All values of the header `Origin` (RFC 6454, section 7).
    pub origins: Vec<String>,
    /// The header `Sec-Fetch-Site` (W3C Fetch Metadata).
    pub fetch_site: Option<String>,
    /// Whether it asks if another request may come (CORS preflight, Fetch Standard, section 3.3.2).
    pub is_preflight: bool,
}

/// The origins that may send requests with our cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedOrigins {
    /// `https://`, or `http://` on one machine.
    pub scheme: &'static str,
    /// Origins beside the service's own, as a browser writes them.
    pub configured: Vec<String>,
}

impl TrustedOrigins {
    /// Whether a page of another site sent the request. Without an `Origin` it was not a page that could change
    /// something: browsers send that header with every method but GET and HEAD.
    #[must_use]
    pub fn is_cross_site(&self, request: &Provenance, host: &str) -> bool {
        if request.origins.is_empty() {
            return request.fetch_site.as_deref() == Some("cross-site");
        }
        !request.origins.iter().all(|origin| self.is_trusted(origin, host))
    }

    /// The configured origin that a request comes from, if it is one: the only ones that get CORS headers.
    #[must_use]
    pub fn configured(&self, request: &Provenance) -> Option<&str> {
        let [origin] = request.origins.as_slice() else { return None };
        self.configured.iter().find(|configured| *configured == origin).map(String::as_str)
    }

    fn is_trusted(&self, origin: &str, host: &str) -> bool {
        origin.strip_prefix(self.scheme).is_some_and(|rest| !rest.is_empty() && rest == host)
            || self.configured.iter().any(|configured| configured == origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trusted() -> TrustedOrigins {
        TrustedOrigins { scheme: "https://", configured: vec!["https://app.example.org".into()] }
    }

    fn request(origins: &[&str], fetch_site: Option<&str>) -> Provenance {
        Provenance {
            origins: origins.iter().map(ToString::to_string).collect(),
            fetch_site: fetch_site.map(str::to_owned),
            is_preflight: false,
        }
    }

    fn cross_site(origins: &[&str], fetch_site: Option<&str>) -> bool {
        trusted().is_cross_site(&request(origins, fetch_site), "api.example.org")
    }

    #[test]
    fn answers_are_for_one_configured_origin() {
        let configured = |origins: &[&str]| trusted().configured(&request(origins, None)).map(str::to_owned);
        assert_eq!(configured(&["https://app.example.org"]).as_deref(), Some("https://app.example.org"));
        assert_eq!(configured(&["https://app.example.org", "https://app.example.org"]), None);
        for origins in [&[][..], &["https://api.example.org"], &["https://evil.example"], &["null"], &[""]] {
            assert_eq!(configured(origins), None, "{origins:?}");
        }
    }

    #[test]
    fn own_and_configured_origins_and_no_origin_pass() {
        assert!(!cross_site(&["https://api.example.org"], Some("same-origin")));
        assert!(!cross_site(&["https://app.example.org"], Some("cross-site")));
        assert!(!cross_site(&[], None));
        assert!(!cross_site(&[], Some("same-site")));
    }

    // Check 36.
    #[test]
    fn every_other_origin_is_cross_site() {
        for origin in
            ["null", "", "http://api.example.org", "https://api.example.org.evil", "https://api.example.org:8443"]
        {
            assert!(cross_site(&[origin], None), "{origin}");
        }
        assert!(cross_site(&["https://api.example.org", "https://evil.example"], None));
        assert!(cross_site(&[], Some("cross-site")));
    }
}
