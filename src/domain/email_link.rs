//! The two links that change an account's email. Each holds, under a keyed hash of the service, which change it
//! confirms and for which of the two addresses; the account remembers the change, and which of them was used.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::domain::{
    account::{Account, Email, Status},
    email_change::{EmailChange, Mailbox},
    ids::ChangeId,
    secret::{ServiceSecret, TagUse},
    time::Timestamp,
};

/// Longest token that is looked at, in bytes: more than one of the two longest emails has.
const TOKEN_MAX_BYTES: usize = 1024;

/// What a link is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailLink {
    /// The email that the account has.
    pub present: Email,
    /// The one that it is to have.
    pub new: Email,
    mailbox: Mailbox,
    id: ChangeId,
    expires_at: Timestamp,
}

/// A link that came in a mail and has not expired.
#[derive(Debug, PartialEq, Eq)]
pub struct PresentedEmailLink {
    /// What it is good for.
    pub link: EmailLink,
    /// The keyed hash that it came with, which no other link has.
    tag: String,
}

impl EmailLink {
    /// The link to one of the addresses of the change that the account waits for; nothing if it waits for none.
    #[must_use]
    pub fn of(account: &Account, mailbox: Mailbox) -> Option<Self> {
        let EmailChange { id, email, expires_at, .. } =
            account.email_change.as_ref().filter(|_| account.status == Status::Active)?.clone();
        Some(Self { present: account.email.clone(), new: email, mailbox, id, expires_at })
    }

    /// The address that it goes to.
    #[must_use]
    pub fn goes_to(&self) -> &Email {
        match self.mailbox {
            Mailbox::Present => &self.present,
            Mailbox::New => &self.new,
        }
    }

    /// Its token: `expires.mailbox.id.present.new.tag`.
    #[must_use]
    pub fn token(&self, secret: &ServiceSecret) -> String {
        let [present, new] = [&self.present, &self.new].map(|email| URL_SAFE_NO_PAD.encode(email.as_str()));
        let (expires, mailbox) = (self.expires_at.seconds(), self.mailbox.name());
        let content = format!("{expires}.{mailbox}.{}.{present}.{new}", self.id.as_str());
        let tag = secret.tag(TagUse::EmailLink, &content);
        format!("{content}.{tag}")
    }

    /// The link of a token, if it was made here and has not expired.
    #[must_use]
    pub fn parse(token: &str, secret: &ServiceSecret, now: Timestamp) -> Option<PresentedEmailLink> {
        if token.len() > TOKEN_MAX_BYTES {
            return None;
        }
        let (content, tag) = token.rsplit_once('.')?;
        if !secret.is_tag(TagUse::EmailLink, content, tag) {
            return None;
        }
        let parts: Vec<&str> = content.split('.').collect();
        let [expires, mailbox, id, present, new] = parts.as_slice() else { return None };
        let email =
            |encoded: &str| Email::parse(std::str::from_utf8(&URL_SAFE_NO_PAD.decode(encoded).ok()?).ok()?).ok();
        let link = Self {
            present: email(present)?,
            new: email(new)?,
            mailbox: Mailbox::named(mailbox)?,
            id: ChangeId::parse(id).ok()?,
            expires_at: Timestamp::from_seconds(expires.parse().ok()?),
        };
        (now < link.expires_at).then(|| PresentedEmailLink { link, tag: tag.to_owned() })
    }
}

impl PresentedEmailLink {
    /// The account with the confirmation of this link; nothing if the account waits for another change, or for none.
    #[must_use]
    pub fn confirmed_on(&self, account: &Account) -> Option<Account> {
        let link = EmailLink::of(account, self.link.mailbox).filter(|link| *link == self.link)?;
        let change = account.email_change.clone()?;
        let confirmed = change.confirmed.or(Some(link.mailbox));
        Some(Account { email_change: Some(EmailChange { confirmed, ..change }), ..account.clone() })
    }

    /// The account with its new email, if the other address has confirmed it before: with all sessions ended, which
    /// have the old one, and all links void.
    #[must_use]
    pub fn moved(&self, account: &Account, now: Timestamp) -> Option<Account> {
        self.confirmed_on(account)?;
        let change = account.email_change.clone()?;
        if change.confirmed? == self.link.mailbox {
            return None;
        }
        let EmailChange { email, registered_email, .. } = change;
        let moved = Account { email, registered_email, ..account.clone() }.next_generation(now).next_links(now);
        Some(Account { used_link: Some(self.tag.clone()), ..moved })
    }

    /// Whether this very link has moved the account, and nothing has voided links since: then the request is one that
    /// is sent again, as its answer may have been lost.
    #[must_use]
    pub fn was_used_on(&self, account: &Account) -> bool {
        account.status == Status::Active && account.used_link.as_deref() == Some(self.tag.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        account::{EMAIL_MAX_BYTES, Name},
        email_change::EMAIL_CHANGE_LIFE,
        ids::AccountId,
    };

    const NOW: Timestamp = Timestamp::from_seconds(1_750_000_000);

    fn secret(byte: u8) -> ServiceSecret {
        ServiceSecret::new(&vec![byte; 32].into())
    }

    /// An account that is to have another email.
    fn account(email: &str, new: &str) -> Account {
        let (name, sub) = (Name::parse("Yi").unwrap(), AccountId::new(&[1; 16]));
        let account = Account::new(email, name, sub, NOW).unwrap();
        let change = EmailChange::new(new, ChangeId::new(&[2; 16]), NOW).unwrap();
        Account { email_change: Some(change), ..account }
    }

    /// The link to one of its addresses, as it comes back.
    fn presented(account: &Account, mailbox: Mailbox) -> PresentedEmailLink {
        EmailLink::parse(&EmailLink::of(account, mailbox).unwrap().token(&secret(1)), &secret(1), NOW).unwrap()
    }

    // Check 85.
    #[test]
    fn an_email_changes_by_both_links_in_either_order_and_by_neither_twice() {
        for (first, second) in [(Mailbox::Present, Mailbox::New), (Mailbox::New, Mailbox::Present)] {
            let before = account("yi@jeplus.org", " Yi@Example.org ");
            let [first, second] = [first, second].map(|mailbox| presented(&before, mailbox));
            assert!(first.moved(&before, NOW).is_none() && second.moved(&before, NOW).is_none());
            let confirmed = first.confirmed_on(&before).unwrap();
            assert!(confirmed.email == before.email && confirmed.generation == before.generation);
            assert!(first.confirmed_on(&confirmed).unwrap() == confirmed, "once more changes nothing");
            assert!(first.moved(&confirmed, NOW).is_none(), "one address counts once");
            let moved = second.moved(&second.confirmed_on(&confirmed).unwrap(), NOW).unwrap();
            assert_eq!((moved.email.as_str(), moved.registered_email.as_str()), ("yi@example.org", "Yi@Example.org"));
            assert!(moved.sub == before.sub && moved.generation > before.generation && moved.links > before.links);
            assert!(moved.email_change.is_none());
            assert!(second.was_used_on(&moved) && !first.was_used_on(&moved));
            assert!(!second.was_used_on(&moved.clone().next_links(NOW)));
        }
    }

    // Check 85.
    #[test]
    fn what_ends_sessions_or_voids_links_and_a_newer_request_void_both_links() {
        let asked = account("yi@jeplus.org", "yi@example.org");
        let other = EmailChange::new("yi@example.org", ChangeId::new(&[3; 16]), NOW).unwrap();
        for mailbox in [Mailbox::Present, Mailbox::New] {
            let link = presented(&asked, mailbox);
            for account in [
                asked.clone().next_generation(NOW),
                asked.clone().next_links(NOW),
                Account { status: Status::Disabled, ..asked.clone() },
                Account { email_change: Some(other.clone()), ..asked.clone() },
                account("yi@jeplus.org", "other@example.org"),
            ] {
                assert!(link.confirmed_on(&account).is_none() && link.moved(&account, NOW).is_none());
            }
        }
        assert!(EmailLink::of(&asked.next_generation(NOW), Mailbox::New).is_none());
    }

    // Check 85.
    #[test]
    fn a_link_is_good_for_an_hour_and_a_changed_token_is_none() {
        let asked = account("yi@jeplus.org", "yi@example.org");
        let token = EmailLink::of(&asked, Mailbox::New).unwrap().token(&secret(1));
        let end = NOW.plus(EMAIL_CHANGE_LIFE);
        assert!(EmailLink::parse(&token, &secret(1), Timestamp::from_seconds(end.seconds() - 1)).is_some());
        assert!(EmailLink::parse(&token, &secret(1), end).is_none(), "expired");
        assert!(EmailLink::parse(&token, &secret(2), NOW).is_none(), "of another service");
        let (content, _) = token.rsplit_once('.').unwrap();
        let as_reset = format!("{content}.{}", secret(1).tag(TagUse::Link, content));
        let other = token.replace(".new.", ".present.");
        for changed in ["", ".", ".....", &token[1..], &other, &as_reset, &format!("{token}x"), &"a.".repeat(600)] {
            assert!(EmailLink::parse(changed, &secret(1), NOW).is_none(), "{changed}");
        }
        let longest = format!("{}@example.org", "a".repeat(EMAIL_MAX_BYTES - 12));
        presented(&account(&longest, &longest.replace('a', "b")), Mailbox::Present);
    }
}
