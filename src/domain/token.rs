//! Session tokens: JSON Web Tokens (RFC 7519) in compact JWS form (RFC 7515), of one exact shape.
//!
//! `jsonwebtoken` checks signatures. What a token may look like is decided here, because that crate takes
//! unknown header members, any `typ`, tokens without `kid`, future `iat` and any life.

mod jws;

use base64::Engine;
use jsonwebtoken::{DecodingKey, Header};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::domain::{
    ids::{AccountId, SessionId},
    json,
    session::Lifetimes,
    signing_key::{Algorithm, InvalidKey, KeyId, PrivateKey, SKEW},
    time::Timestamp,
};
use jws::{BASE64URL, UnverifiedJws};

/// Longest token that is looked at, in bytes: the least that a browser keeps of a cookie (RFC 6265, section 6.1).
pub const TOKEN_MAX_BYTES: usize = 4096;

/// What a token says (RFC 7519, section 4.1; `sid` and `auth_time` as in OpenID Connect). No name and no email: a
/// cookie is readable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// Who made it.
    pub iss: String,
    /// For whom.
    pub aud: String,
    /// The account's opaque id.
    pub sub: AccountId,
    /// The session's id.
    pub sid: SessionId,
    /// The token's own id.
    pub jti: String,
    /// When it was made, in seconds since the epoch.
    pub iat: u64,
    /// When it expires, in seconds since the epoch.
    pub exp: u64,
    /// When the session was opened, in seconds since the epoch: somebody gave the password then, or an access key.
    pub auth_time: u64,
}

/// A signed token. It has no `Debug` or `Display`, and clears itself.
pub struct Token(Zeroizing<String>);

impl Token {
    /// Signs `claims`.
    ///
    /// # Errors
    /// [`CannotSign`] if AWS-LC fails.
    pub fn sign(claims: &Claims, kid: &KeyId, key: &PrivateKey) -> Result<Self, CannotSign> {
        let mut header = Header::new(key.algorithm().jws());
        header.kid = Some(kid.as_str().to_owned());
        let (header, claims) = (serde_json::to_vec(&header)?, serde_json::to_vec(claims)?);
        let mut text = Zeroizing::new(format!("{}.{}", BASE64URL.encode(header), BASE64URL.encode(claims)));
        let signature = BASE64URL.encode(key.sign(text.as_bytes())?);
        text.push('.');
        text.push_str(&signature);
        Ok(Self(text))
    }

    /// The compact form, for the cookie or the body of an answer and for nothing else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// No signature came of the private key.
#[derive(Debug, thiserror::Error)]
#[error("the signing key cannot sign")]
pub enum CannotSign {
    /// AWS-LC failed.
    Key(#[from] InvalidKey),
    /// The claims are not JSON.
    Claims(#[from] serde_json::Error),
}

/// Why a token is refused. Clients hear nothing but 401; the log has this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Over [`TOKEN_MAX_BYTES`].
    #[error("longer than {TOKEN_MAX_BYTES} bytes")]
    TooLong,
    /// Not three parts of canonical base64url.
    #[error("not three parts of canonical base64url")]
    NotCompact,
    /// The header is not exactly `alg`, `typ` "JWT" and `kid`.
    #[error("header other than alg, typ JWT and kid")]
    Header,
    /// The claims are not exactly those of [`Claims`], or one of them is empty.
    #[error("claims other than the known ones")]
    Claims,
    /// The header names another algorithm than the key's own.
    #[error("algorithm other than the key's")]
    Algorithm,
    /// The signature does not hold.
    #[error("bad signature")]
    Signature,
    /// Made by another issuer.
    #[error("other issuer")]
    Issuer,
    /// Made for another audience.
    #[error("other audience")]
    Audience,
    /// Past its `exp`.
    #[error("expired")]
    Expired,
    /// Its `iat` or `auth_time` lies in the future, or they are out of order.
    #[error("dates in the future or out of order")]
    Dates,
    /// It would live longer than any token may.
    #[error("lives longer than a token may")]
    Life,
}

/// A token whose shape is right and whose signature nobody has checked.
pub struct UnverifiedToken<'a> {
    kid: KeyId,
    alg: String,
    jws: UnverifiedJws<'a>,
}

/// What our tokens say, and what a token must say to be ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRules {
    /// The claim `iss`.
    pub issuer: Issuer,
    /// The claim `aud`.
    pub audience: String,
    /// How long a token may live.
    pub lifetimes: Lifetimes,
}

/// Longest issuer, in bytes. With the longest audience a token still fits into a cookie.
pub const ISSUER_MAX_BYTES: usize = 512;

/// The service's public URL, which is its name in tokens: http or https, without a query, without a slash at its end,
/// and with its host in lower case. Browsers write it so, and whoever verifies compares byte by byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer(String);

/// The text is no issuer.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "an issuer is an http(s) URL with a host in lower case and without a slash at its end, of at most {ISSUER_MAX_BYTES} \
     characters"
)]
pub struct InvalidIssuer;

impl Issuer {
    /// Parses an issuer.
    ///
    /// # Errors
    /// [`InvalidIssuer`].
    pub fn parse(text: &str) -> Result<Self, InvalidIssuer> {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).ok_or(InvalidIssuer)?;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/[]%!$&'()*+,;=".contains(&byte);
        let host = rest.split('/').next().unwrap_or_default();
        let is_lower = !host.bytes().any(|byte| byte.is_ascii_uppercase());
        let is_one = !host.is_empty() && is_lower && !rest.ends_with('/') && rest.bytes().all(is_plain);
        if is_one && text.len() <= ISSUER_MAX_BYTES { Ok(Self(text.to_owned())) } else { Err(InvalidIssuer) }
    }

    /// The URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether clients come by https.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.scheme() == "https://"
    }

    /// How its origin begins.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        if self.0.starts_with("https://") { "https://" } else { "http://" }
    }

    /// Its host, with the port if it says one.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.split('/').nth(2).unwrap_or_default()
    }

    /// Whether a request to `host` is one to the service. The addresses of one machine have one name (RFC 6761, section
    /// 6.3).
    #[must_use]
    pub fn is_at(&self, host: &str) -> bool {
        let of_address = |port| ["127.0.0.1", "[::1]"].iter().any(|address| host.strip_prefix(address) == Some(port));
        self.host().eq_ignore_ascii_case(host) || self.host().strip_prefix("localhost").is_some_and(of_address)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExactHeader {
    alg: String,
    typ: String,
    kid: KeyId,
}

impl<'a> UnverifiedToken<'a> {
    /// Takes a compact JWS apart.
    ///
    /// # Errors
    /// [`TokenError::TooLong`], [`TokenError::NotCompact`] or [`TokenError::Header`].
    pub fn parse(text: &'a str) -> Result<Self, TokenError> {
        let jws = UnverifiedJws::parse(text)?;
        let ExactHeader { alg, typ, kid } = json::object(&jws.header).ok_or(TokenError::Header)?;
        if typ != "JWT" {
            return Err(TokenError::Header);
        }
        Ok(Self { kid, alg, jws })
    }

    /// The key that the token says it was signed with.
    #[must_use]
    pub fn key_id(&self) -> &KeyId {
        &self.kid
    }

    /// Checks the signature, then what it signs.
    ///
    /// # Errors
    /// The first of [`TokenError::Algorithm`], [`TokenError::Signature`], [`TokenError::Claims`],
    /// [`TokenError::Issuer`], [`TokenError::Audience`], [`TokenError::Expired`], [`TokenError::Dates`] and
    /// [`TokenError::Life`] that holds.
    pub fn verify(
        &self,
        algorithm: Algorithm,
        key: &DecodingKey,
        rules: &TokenRules,
        now: Timestamp,
    ) -> Result<Claims, TokenError> {
        if self.alg != algorithm.name() {
            return Err(TokenError::Algorithm);
        }
        self.jws.verify(algorithm, key)?;
        let claims: Claims = json::object(&self.jws.payload).ok_or(TokenError::Claims)?;
        rules.check(&claims, now)?;
        Ok(claims)
    }
}

impl TokenRules {
    /// Checks what a token says, once its signature has held.
    ///
    /// # Errors
    /// As [`UnverifiedToken::verify`], from [`TokenError::Claims`] on.
    pub fn check(&self, claims: &Claims, now: Timestamp) -> Result<(), TokenError> {
        let (now, skew, life) = (now.seconds(), SKEW.as_secs(), self.lifetimes.token.as_secs());
        if claims.jti.is_empty() {
            return Err(TokenError::Claims);
        }
        if claims.iss != self.issuer.as_str() {
            return Err(TokenError::Issuer);
        }
        if claims.aud != self.audience {
            return Err(TokenError::Audience);
        }
        if claims.exp.saturating_add(skew) <= now {
            return Err(TokenError::Expired);
        }
        if claims.iat > now.saturating_add(skew) || claims.auth_time > claims.iat || claims.exp <= claims.iat {
            return Err(TokenError::Dates);
        }
        if claims.exp.saturating_sub(claims.iat) > life.saturating_add(skew) {
            return Err(TokenError::Life);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
