//! Columns that say whether somebody may log on. They are known by their names, more often rather than too seldom: what
//! is not understood must not let in whom its source keeps out.

use aws_smithy_types::{DateTime, date_time::Format};
use serde_json::Value;

use crate::cli::roster::profile::words;

/// What a column says by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sense {
    /// A word or a number for whether the account may log on.
    Status,
    /// If there is anything in it, the account may log on.
    Permitted,
    /// If there is anything in it, the account may not log on.
    Barred,
    /// Until this date the account may not log on.
    BarredUntil,
    /// If there is anything in it, the account was deleted.
    Deleted,
}

impl Sense {
    /// The member for `--map` that has this sense.
    pub(super) fn member(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Permitted => "permitted",
            Self::Barred => "disabled",
            Self::BarredUntil => "disabled_until",
            Self::Deleted => "deleted",
        }
    }

    /// The sense of that name.
    pub(super) fn named(member: &str) -> Option<Self> {
        let all = [Self::Status, Self::Permitted, Self::Barred, Self::BarredUntil, Self::Deleted];
        all.into_iter().find(|sense| sense.member() == member)
    }
}

/// Words that say nothing of it by themselves.
const AROUND: [&str; 28] = [
    "is", "has", "was", "been", "account", "accounts", "acct", "user", "users", "usr", "member", "person", "customer",
    "login", "logon", "signin", "log", "sign", "in", "on", "the", "current", "flag", "to", "can", "may", "by", "value",
];
const OF_A_TIME: [&str; 6] = ["at", "date", "time", "timestamp", "since", "when"];
const OF_AN_END: [&str; 8] = ["until", "end", "ends", "till", "expires", "expire", "expiry", "expiration"];
const NOT: [&str; 4] = ["not", "non", "un", "no"];
/// Wherever one of these stands, it counts.
const BARRED: [&str; 30] = [
    "disabled",
    "disable",
    "inactive",
    "inactivated",
    "blocked",
    "blacklist",
    "banned",
    "ban",
    "suspended",
    "suspension",
    "deactivated",
    "locked",
    "lockout",
    "frozen",
    "terminated",
    "revoked",
    "restricted",
    "expelled",
    "rejected",
    "denied",
    "barred",
    "closed",
    "archived",
    "blacklisted",
    "quarantined",
    "nologin",
    "gesperrt",
    "inaktiv",
    "deaktiviert",
    "lockedout",
];
const DELETED: [&str; 8] =
    ["deleted", "discarded", "removed", "destroyed", "erased", "trashed", "geloescht", "gel\u{f6}scht"];
/// These count where nothing else stands beside them: `newsletter_active` and `marital_status` are of other things.
const PERMITTED: [&str; 15] = [
    "active",
    "enabled",
    "activated",
    "approved",
    "authorized",
    "authorised",
    "allowed",
    "permitted",
    "admitted",
    "accepted",
    "aktiv",
    "aktiviert",
    "freigeschaltet",
    "actif",
    "activo",
];
const STATUS: [&str; 4] = ["status", "state", "standing", "control"];

/// What a column of this name says of whether somebody may log on; nothing if it is of something else.
pub(super) fn sense(name: &str) -> Option<Sense> {
    let words = words(name);
    let words: Vec<&str> = words.iter().map(String::as_str).filter(|word| !word.is_empty()).collect();
    // `isactive` and `accountlocked` have no sign between their words.
    let apart = |word| if known(word) { vec![word] } else { taken_apart(word).unwrap_or_else(|| vec![word]) };
    let words: Vec<&str> = words.into_iter().flat_map(apart).collect();
    let has = |some: &[&str]| words.iter().any(|word| some.contains(word));
    let is_time = has(&OF_A_TIME);
    if has(&NOT) && (has(&BARRED) || has(&DELETED)) {
        return Some(Sense::Status);
    }
    if has(&DELETED) {
        return Some(Sense::Deleted);
    }
    if has(&BARRED) || (has(&["lock"]) && (has(&OF_AN_END) || is_time)) {
        return Some(if has(&OF_AN_END) { Sense::BarredUntil } else { Sense::Barred });
    }
    let only = |some: &[&str]| {
        let mut rest = words.iter().filter(|word| !AROUND.contains(word) && !OF_A_TIME.contains(word));
        rest.all(|word| some.contains(word)) && has(some)
    };
    if only(&STATUS) {
        return Some(Sense::Status);
    }
    if only(&["block", "lock"]) {
        return Some(Sense::Barred);
    }
    if only(&PERMITTED) {
        return Some(if is_time { Sense::Permitted } else { Sense::Status });
    }
    // `login` alone is a name to log on with.
    let is_leave = has(&["can", "may"]) && has(&["login", "logon", "signin", "log", "sign"]);
    (is_leave && only(&AROUND)).then_some(Sense::Status)
}

fn known(word: &str) -> bool {
    [&BARRED[..], &DELETED, &PERMITTED, &STATUS, &AROUND, &OF_A_TIME, &OF_AN_END]
        .iter()
        .any(|some| some.contains(&word))
}

/// The words that stand in one without a sign between them, if all of it is such words and one of them counts.
fn taken_apart(word: &str) -> Option<Vec<&str>> {
    let (mut rest, mut found) = (word, Vec::new());
    for before in ["is", "has", "user", "account"] {
        if let Some(after) = rest.strip_prefix(before) {
            found.push(before);
            rest = after;
        }
    }
    let end = ["at", "date", "until", "flag", "on"].into_iter().find(|end| {
        rest.strip_suffix(end)
            .is_some_and(|word| [&BARRED[..], &DELETED, &PERMITTED].iter().any(|some| some.contains(&word)))
    });
    let middle = end.and_then(|end| rest.strip_suffix(end)).unwrap_or(rest);
    let counts = [&BARRED[..], &DELETED, &PERMITTED, &STATUS].iter().any(|some| some.contains(&middle));
    found.push(middle);
    found.extend(end);
    counts.then_some(found)
}

/// What a word for a status says: whether the account may log on. Nothing comes back of other words.
pub(super) fn word(value: &Value) -> Option<bool> {
    let text = match value {
        Value::Null => return Some(false),
        Value::String(text) => text.trim().to_lowercase(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(_) | Value::Object(_) => return None,
    };
    match text.as_str() {
        "active" | "enabled" | "approved" | "authorized" | "1" | "true" | "t" | "yes" | "y" | "on" => Some(true),
        "" | "disabled" | "inactive" | "deactivated" | "blocked" | "banned" | "suspended" | "locked" | "closed"
        | "deleted" | "archived" | "pending" | "rejected" | "invited" | "unconfirmed" | "0" | "false" | "f" | "no"
        | "n" | "off" => Some(false),
        _ => None,
    }
}

/// Whether there is nothing in a column whose content bars: also no, none, and a date that is none.
pub(super) fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => {
            let text = text.trim().to_lowercase();
            matches!(text.as_str(), "" | "0" | "false" | "f" | "no" | "n" | "off") || is_zero_date(&text)
        }
        Value::Bool(true) | Value::Array(_) | Value::Object(_) => false,
    }
}

/// `MySQL`'s date that is none.
pub(super) fn is_zero_date(text: &str) -> bool {
    text.starts_with("0000-00-00")
}

/// A date as databases write them: `2026-11-21 10:00:00.123+00`, without a zone UTC; `MediaWiki`'s fourteen digits; or
/// a count of milliseconds since 1970 as JavaScript has it.
pub(super) fn seconds(date: &str) -> Option<u64> {
    let date = date.trim();
    if date.bytes().all(|byte| byte.is_ascii_digit()) {
        return match date.len() {
            13 => date.parse::<u64>().ok().map(|millis| millis / 1000),
            14 => {
                let part = |from: usize, to: usize| date.get(from..to);
                let [year, month, day] = [part(0, 4)?, part(4, 6)?, part(6, 8)?];
                let [hour, minute, second] = [part(8, 10)?, part(10, 12)?, part(12, 14)?];
                seconds(&format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z"))
            }
            _ => None,
        };
    }
    let mut date = date.trim_end_matches(" UTC").replacen(' ', "T", 1);
    let (day, time) = date.split_at_checked(10)?;
    if time.is_empty() {
        date.push_str("T00:00:00Z");
    } else if !time.ends_with('Z') {
        match time.rfind(['+', '-']).map(|at| time.len() - at) {
            None => date.push('Z'),
            Some(3) => date.push_str(":00"),
            Some(5) => date.insert(day.len() + time.len() - 2, ':'),
            Some(_) => {}
        }
    }
    u64::try_from(DateTime::from_str(&date, Format::DateTimeWithOffset).ok()?.secs()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Check 94.
    #[test]
    fn a_column_that_says_whether_somebody_may_log_on_is_known_by_its_name() {
        for (expected, names) in [
            (
                Sense::Status,
                "is_active active isActive IsActive ISACTIVE isactive user_active enabled is_enabled accountEnabled is_authorized \
                 is_approved approved state status account_status accountStatus userstatus user_state can_login login_enabled \
                 login_allowed accountNonLocked account_non_locked not_blocked userAccountControl",
            ),
            (
                Sense::Barred,
                "disabled is_disabled blocked isBlocked isblocked banned is_banned banned_at bannedAt suspended suspended_at \
                 deactivated deactivated_at locked_at is_locked accountlocked blocked_at blockedat login_disabled inactive \
                 LockoutEnabled block gesperrt",
            ),
            (Sense::BarredUntil, "banned_until lockout_end lock_until lockUntil ban_expires banExpires"),
            (Sense::Deleted, "deleted_at is_deleted deleted discarded_at deletedAt isDeleted removed_at"),
            (Sense::Permitted, "approved_at activated_at approvedAt"),
        ] {
            for name in names.split(' ') {
                assert_eq!(sense(name), Some(expected), "{name}");
            }
        }
        let others = "email name country marital_status shipping_state newsletter_enabled last_active_at activity login user_login \
                      last_login_at login_at interactive lock_version created_at statement email_change_confirm_status on at user \
                      description title company";
        for name in others.split(' ') {
            assert_eq!(sense(name), None, "{name}");
        }
    }

    #[test]
    fn dates_are_read_as_databases_write_them() {
        for date in [
            "2026-11-21T10:00:00Z",
            "2026-11-21 10:00:00",
            "2026-11-21 10:00:00.123456",
            "2026-11-21 11:00:00+01",
            "2026-11-21 10:00:00.123456+00",
            "2026-11-21T05:00:00-05:00",
            "2026-11-21 10:00:00 UTC",
            "2026-11-21T11:00:00+0100",
            "2026-11-21T10:00:00.000Z",
            "20261121100000",
            "1795255200123",
        ] {
            assert_eq!(seconds(date), Some(1_795_255_200), "{date}");
        }
        assert_eq!(seconds("2026-11-21"), Some(1_795_219_200));
        for none in ["", "yesterday", "21.11.2026", "1795255200", "1969-01-01 00:00:00", "20261399000000"] {
            assert_eq!(seconds(none), None, "{none}");
        }
    }
}
