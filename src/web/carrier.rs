//! How a token travels: as a cookie (RFC 6265) or as a bearer (RFC 6750).

/// Blanks around the parts of a header (RFC 9110, section 5.6.3). Others belong to the value.
const OWS: [char; 2] = [' ', '\t'];

/// Name of the cookie.
pub const COOKIE_NAME: &str = "session_token";

/// What a token came by. A renewed one goes back the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// The cookie.
    Cookie,
    /// The header `Authorization`.
    Bearer,
}

impl Carrier {
    /// Its name in the authorizer's context.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cookie => "cookie",
            Self::Bearer => "bearer",
        }
    }

    /// The carrier of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Cookie, Self::Bearer].into_iter().find(|carrier| carrier.name() == name)
    }
}

/// No token, or more than one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoOneToken {
    /// Neither a cookie nor a bearer.
    #[error("no token")]
    Missing,
    /// Tokens that differ.
    #[error("more than one token")]
    Ambiguous,
}

/// Finds the one token among the values of all `Cookie` and all `Authorization` headers.
///
/// The same token twice is one token; by cookie and bearer alike it came by cookie, for that answer keeps a renewed
/// token out of reach of scripts.
///
/// # Errors
/// [`NoOneToken`] if there is none, or if two differ: a client that sends two has been tricked into one of them.
pub fn one_token<'a>(
    cookies: impl Iterator<Item = &'a str>,
    authorizations: impl Iterator<Item = &'a str>,
) -> Result<(Carrier, &'a str), NoOneToken> {
    let cookies = named(cookies, COOKIE_NAME).map(|token| (Carrier::Cookie, token));
    let bearers = authorizations
        .filter_map(|header| header.trim_matches(OWS).split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| (Carrier::Bearer, token.trim_start_matches(OWS)));
    let mut tokens = cookies.chain(bearers);
    let first = tokens.next().ok_or(NoOneToken::Missing)?;
    if tokens.any(|(_, token)| token != first.1) {
        return Err(NoOneToken::Ambiguous);
    }
    Ok(first)
}

/// The values of all cookies of one name. Words without `=`, and pairs of other names, are passed over. Quotes around a
/// value are not part of it: RFC 6265, section 4.1.1, allows them, and Java's `CookieManager` sends a cookie that was
/// set with `Max-Age` and without `Expires` by RFC 2965, as `$Version="1"; name="value";$Path="/"`.
pub fn named<'a>(headers: impl Iterator<Item = &'a str>, name: &str) -> impl Iterator<Item = &'a str> {
    let pairs = headers.flat_map(|header| header.split(';')).filter_map(|pair| pair.trim_matches(OWS).split_once('='));
    pairs.filter(move |(known, _)| *known == name).map(|(_, value)| unquoted(value))
}

fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find<'a>(cookies: &[&'a str], authorizations: &[&'a str]) -> Result<(Carrier, &'a str), NoOneToken> {
        one_token(cookies.iter().copied(), authorizations.iter().copied())
    }

    #[test]
    fn a_token_comes_by_either_carrier() {
        assert_eq!(find(&["session_token=a"], &[]), Ok((Carrier::Cookie, "a")));
        for header in ["Bearer a", "bearer a", "BEARER  a"] {
            assert_eq!(find(&[], &[header]), Ok((Carrier::Bearer, "a")), "{header}");
        }
    }

    #[test]
    fn a_whole_set_cookie_line_sent_back_is_read() {
        let line = "session_token=a; Path=/; Max-Age=43200; HttpOnly; Secure; SameSite=Lax";
        assert_eq!(find(&[line], &[]), Ok((Carrier::Cookie, "a")));
        assert_eq!(find(&["theme=dark; session_token=a", "other=b"], &["Basic eA=="]), Ok((Carrier::Cookie, "a")));
    }

    #[test]
    fn one_pair_of_quotes_around_a_cookie_is_taken_off_and_none_around_a_bearer() {
        let by_java = r#"$Version="1"; session_token="a";$Path="/""#;
        for header in [r#"session_token="a""#, by_java, r#"session_token="a"; session_token=a"#] {
            assert_eq!(find(&[header], &[]), Ok((Carrier::Cookie, "a")), "{header}");
        }
        assert_eq!(find(&[r#"session_token="a""#], &["Bearer a"]), Ok((Carrier::Cookie, "a")));
        for (header, token) in
            [(r#""""#, ""), (r#"""a"""#, r#""a""#), (r#"""#, r#"""#), (r#"a""#, r#"a""#), (r#""a"#, r#""a"#)]
        {
            let header = format!("session_token={header}");
            assert_eq!(find(&[&header], &[]), Ok((Carrier::Cookie, token)), "{header}");
        }
        assert_eq!(find(&[], &[r#"Bearer "a""#]), Ok((Carrier::Bearer, r#""a""#)));
    }

    #[test]
    fn the_same_token_twice_is_one_and_two_tokens_are_none() {
        assert_eq!(find(&["session_token=a; session_token=a"], &["Bearer a"]), Ok((Carrier::Cookie, "a")));
        assert_eq!(find(&["session_token=a; session_token=b"], &[]), Err(NoOneToken::Ambiguous));
        assert_eq!(find(&["session_token=a", "session_token=b"], &[]), Err(NoOneToken::Ambiguous));
        assert_eq!(find(&["session_token=a"], &["Bearer b"]), Err(NoOneToken::Ambiguous));
        assert_eq!(find(&["session_token="], &["Bearer b"]), Err(NoOneToken::Ambiguous));
    }

    #[test]
    fn a_carrier_is_handed_on_by_its_name() {
        assert_eq!((Carrier::Cookie.name(), Carrier::Bearer.name()), ("cookie", "bearer"));
        for carrier in [Carrier::Cookie, Carrier::Bearer] {
            assert_eq!(Carrier::named(carrier.name()), Some(carrier));
        }
        assert_eq!(Carrier::named("pigeon"), None);
    }

    #[test]
    fn no_token_is_missing() {
        for (cookie, authorization) in [("", ""), ("Session_Token=a", "Basic a"), ("session_token", "Bearer")] {
            assert_eq!(find(&[cookie], &[authorization]), Err(NoOneToken::Missing));
        }
    }
}
