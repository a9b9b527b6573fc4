//! Links in mails, by which a password is set. Nothing is stored of one before it is used: it holds what it is good
//! for, under a keyed hash of the service. A link that was used, and whatever an operator does to the account, voids
//! all links of before, as it moves the number that they hold. Nothing that a session can do moves that number.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::domain::{
    account::{Account, Email, Status},
    ids::AccountId,
    secret::{ServiceSecret, TagUse},
    time::Timestamp,
};

/// How long a link to set a forgotten password is good.
pub const RESET_LIFE: Duration = Duration::from_mins(30);
/// How long an invitation is good.
pub const INVITATION_LIFE: Duration = Duration::from_hours(7 * 24);
/// Longest token that is looked at, in bytes: more than one of the longest email and the longest id has.
const TOKEN_MAX_BYTES: usize = 1024;

/// What a link is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The account's email.
    pub email: Email,
    sub: AccountId,
    links: u64,
}

/// A link that came in a mail and has not expired.
#[derive(Debug, PartialEq, Eq)]
pub struct PresentedLink {
    /// What it is good for.
    pub link: Link,
    /// The keyed hash that it came with, which no other link has.
    pub tag: String,
}

impl PresentedLink {
    /// Whether this very link was used last on the account, and nothing has voided links since: then the request is
    /// perhaps one that is sent again because its answer was lost.
    #[must_use]
    pub fn was_used_on(&self, account: &Account) -> bool {
        let is_same = (account.status, &account.sub) == (Status::Active, &self.link.sub);
        is_same && account.used_link.as_deref() == Some(self.tag.as_str())
    }
}

impl Link {
    /// A link that sets the password of this account as it is now.
    #[must_use]
    pub fn of(account: &Account) -> Self {
        Self { email: account.email.clone(), sub: account.sub.clone(), links: account.links }
    }

    /// Whether the account is still the one that it was made for, and nothing has voided links since.
    #[must_use]
    pub fn is_of(&self, account: &Account) -> bool {
        account.status == Status::Active && *self == Self::of(account)
    }

    /// Its token: `expires.links.sub.email.tag`.
    #[must_use]
    pub fn token(&self, secret: &ServiceSecret, expires: Timestamp) -> String {
        let [sub, email] = [self.sub.as_str(), self.email.as_str()].map(|text| URL_SAFE_NO_PAD.encode(text));
        let content = format!("{}.{}.{sub}.{email}", expires.seconds(), self.links);
        let tag = secret.tag(TagUse::Link, &content);
        format!("{content}.{tag}")
    }

    /// The link of a token, if it was made here and has not expired.
    #[must_use]
    pub fn parse(token: &str, secret: &ServiceSecret, now: Timestamp) -> Option<PresentedLink> {
        if token.len() > TOKEN_MAX_BYTES {
            return None;
        }
        let (content, tag) = token.rsplit_once('.')?;
        if !secret.is_tag(TagUse::Link, content, tag) {
            return None;
        }
        let parts: Vec<&str> = content.split('.').collect();
        let [expires, links, sub, email] = parts.as_slice() else { return None };
        let text = |encoded: &str| String::from_utf8(URL_SAFE_NO_PAD.decode(encoded).ok()?).ok();
        let link = Self {
            email: Email::parse(&text(email)?).ok()?,
            sub: AccountId::try_from(text(sub)?).ok()?,
            links: links.parse().ok()?,
        };
        (now < Timestamp::from_seconds(expires.parse().ok()?)).then(|| PresentedLink { link, tag: tag.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{account::Name, ids::ID_MAX_BYTES};

    const NOW: Timestamp = Timestamp::from_seconds(1_750_000_000);

    fn secret(byte: u8) -> ServiceSecret {
        ServiceSecret::new(&vec![byte; 32].into())
    }

    fn account(email: &str, sub: &str) -> Account {
        Account::new(email, Name::parse("Yi").unwrap(), AccountId::parse(sub).unwrap(), NOW).unwrap()
    }

    // Check 77.
    #[test]
    fn a_link_is_good_for_its_account_as_it_is_and_its_time() {
        let account = account("yi@jeplus.org", "a:b.c");
        let expires = NOW.plus(RESET_LIFE);
        let token = Link::of(&account).token(&secret(1), expires);
        let PresentedLink { link, .. } =
            Link::parse(&token, &secret(1), expires.minus(Duration::from_secs(1))).unwrap();
        assert!(link.is_of(&account));
        assert!(link.is_of(&account.clone().next_generation(NOW)), "an end of sessions voids no link");
        assert_eq!(Link::parse(&token, &secret(1), expires), None, "expired");
        assert_eq!(Link::parse(&token, &secret(2), NOW), None, "of another service");
        assert!(!link.is_of(&account.clone().next_links(NOW)), "another link was used, or an operator did something");
        assert!(!link.is_of(&Account { status: Status::Disabled, ..account.clone() }));
        assert!(!link.is_of(&Account { sub: AccountId::new(&[1; 16]), ..account }), "deleted, and added again");
    }

    // Check 77.
    #[test]
    fn a_changed_token_is_no_link_and_the_longest_one_is() {
        let token = Link::of(&account("yi@jeplus.org", "sub")).token(&secret(1), NOW.plus(RESET_LIFE));
        let later = token.replacen('1', "2", 1);
        for changed in
            ["", ".", "....", &token[1..], &token[..token.len() - 1], &later, &format!("{token}x"), &"a.".repeat(600)]
        {
            assert_eq!(Link::parse(changed, &secret(1), NOW), None, "{changed}");
        }
        let longest = account(&format!("{}@example.org", "a".repeat(242)), &"s".repeat(ID_MAX_BYTES));
        let token = Link::of(&longest).token(&secret(1), NOW.plus(INVITATION_LIFE));
        assert!(Link::parse(&token, &secret(1), NOW).is_some(), "{} bytes", token.len());
    }
}
