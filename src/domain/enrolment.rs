//! Whose accounts must have a second factor. One that must and has none gets a session that can do nothing but set one
//! up.

use crate::domain::{
    account::{Account, InvalidLabel, Role},
    passkey::StoredPasskey,
};

/// Longest name of a role here, in characters, which have [`LABEL_MAX_BYTES`](crate::domain::account::LABEL_MAX_BYTES)
/// at the most: the pattern of a parameter cannot count bytes.
pub const ROLE_MAX_CHARACTERS: usize = 64;

/// What an operator demands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RequireFactor {
    /// Nothing.
    #[default]
    Off,
    /// A second factor of every account.
    All,
    /// A second factor of every account with this role.
    Of(Role),
}

impl RequireFactor {
    /// What `off`, `all` or the name of a role demands. `none`, which no role is called, demands nothing.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            _ if text.eq_ignore_ascii_case("off") => Some(Self::Off),
            _ if text.eq_ignore_ascii_case("all") => Some(Self::All),
            _ if text.chars().count() > ROLE_MAX_CHARACTERS => None,
            _ => match Role::parse(text) {
                Ok(role) => Some(Self::Of(role)),
                Err(InvalidLabel::NoRole) => Some(Self::Off),
                Err(InvalidLabel::Malformed | InvalidLabel::Invisible | InvalidLabel::Directional) => None,
            },
        }
    }

    /// Whether an account must have a second factor.
    #[must_use]
    pub fn is_for(&self, account: &Account) -> bool {
        match self {
            Self::Off => false,
            Self::All => true,
            Self::Of(role) => account.role.as_ref() == Some(role),
        }
    }

    /// Whether an account must have a second factor, and has none. Passkeys count that are usable.
    #[must_use]
    pub fn is_unmet(&self, account: &Account, is_usable: impl Fn(&StoredPasskey) -> bool) -> bool {
        self.is_for(account) && !account.has_factor(is_usable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{account::Name, factor::Factor, ids::AccountId, time::Timestamp};

    #[test]
    fn an_operator_demands_it_of_nobody_of_everybody_or_of_a_role() {
        let role = |text: &str| Some(RequireFactor::Of(Role::parse(text).unwrap()));
        let long = "\u{1f511}".repeat(ROLE_MAX_CHARACTERS);
        for (text, expected) in [
            ("off", Some(RequireFactor::Off)),
            ("OFF", Some(RequireFactor::Off)),
            ("none", Some(RequireFactor::Off)),
            ("None", Some(RequireFactor::Off)),
            ("all", Some(RequireFactor::All)),
            ("All", Some(RequireFactor::All)),
            ("admin", role("admin")),
            ("offer", role("offer")),
            (&long, role(&long)),
            (&format!("{long}x"), None),
            ("", None),
            (" ", None),
            ("a\nb", None),
            ("\u{202e}a", None),
        ] {
            assert_eq!(RequireFactor::parse(text), expected, "{text:?}");
        }
    }

    // Check 82.
    #[test]
    fn an_account_falls_short_if_it_is_named_and_has_no_factor() {
        let account = |role: Option<&str>, has_factor: bool| {
            let (name, sub) = (Name::parse("Yi").unwrap(), AccountId::new(&[1; 16]));
            let account = Account::new("yi@jeplus.org", name, sub, Timestamp::from_seconds(0)).unwrap();
            let recovery = Vec::new();
            let factor = Factor { sealed: vec![], last_step: 0, last_use: String::new(), recovery, confirmed_by: None };
            let factor = has_factor.then_some(factor);
            Account { role: role.map(|role| Role::parse(role).unwrap()), factor, ..account }
        };
        for (demand, role, has_factor, is_for, is_unmet) in [
            ("off", Some("admin"), false, false, false),
            ("all", None, false, true, true),
            ("all", None, true, true, false),
            ("admin", Some("admin"), false, true, true),
            ("admin", Some("admin"), true, true, false),
            ("admin", Some("Admin"), false, false, false),
            ("admin", None, false, false, false),
        ] {
            let (demand, account) = (RequireFactor::parse(demand).unwrap(), account(role, has_factor));
            assert_eq!(
                (demand.is_for(&account), demand.is_unmet(&account, |_| false)),
                (is_for, is_unmet),
                "{demand:?} {role:?}"
            );
        }
    }
}
