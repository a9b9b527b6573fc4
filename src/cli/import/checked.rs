//! What is known of the accounts in a file before any of them is added.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    Told,
    entry::{Entry, LeftOut, Read, Withheld},
    file::Bad,
    hash::Imported,
    place::Place,
};
use crate::{
    cli::{Target, output},
    domain::account::{Email, Status, is_unseen},
    domain::ids::AccountId,
    domain::passkey::UserHandle,
    platform::store::{Store, StoreError},
};

/// How many are told one by one.
const TOLD_MAX: u64 = 100;

/// What is known of the accounts in a file. Memory grows by their emails and ids alone.
#[derive(Default)]
pub(super) struct Checked {
    pub(super) lines: u64,
    pub(super) bad: u64,
    pub(super) without_password: u64,
    pub(super) factors: usize,
    /// How many hashes are computed at the import.
    pub(super) fast: u64,
    /// Whether something is sealed.
    pub(super) needs_secret: bool,
    pub(super) left_out: BTreeMap<LeftOut, u64>,
    withheld: BTreeMap<&'static str, u64>,
    emails: HashMap<Email, u64>,
    /// How many of the emails get no mails, and the first of them.
    unmailable: u64,
    first_unmailable: Option<Email>,
    /// Ids that the file brings, and where.
    subs: HashMap<AccountId, (Place, Email)>,
    /// Handles of passkeys that the file brings, and where.
    handles: HashMap<UserHandle, (Place, Email)>,
    /// Names of members of profiles.
    profile: BTreeSet<String>,
    access_keys: usize,
    passkeys: usize,
    disabled: u64,
    told: u64,
}

impl Checked {
    pub(super) fn check(&mut self, (place, entry): Told<Entry>) {
        self.lines += 1;
        match entry {
            Ok(Entry::Account(read)) => match self.take(place, *read) {
                Ok(()) => {}
                Err(reason) => self.tell_bad(place, None, &reason),
            },
            Ok(Entry::LeftOut(reason, who)) => {
                *self.left_out.entry(reason).or_default() += 1;
                if reason == LeftOut::NoEmail {
                    self.tell(place, who.as_deref(), "left out: it has no email");
                }
            }
            Err(Bad { who, reason }) => self.tell_bad(place, who.as_deref(), &reason),
        }
    }

    fn take(&mut self, place: Place, read: Read) -> Result<(), String> {
        let Read { account, has_sub, unfinished, factor, withheld } = read;
        let counted = place.counted();
        if let Some(first) = self.emails.get(&account.email) {
            return Err(format!("email: the same as in {counted} {first}"));
        }
        if let Some((first, _)) = self.subs.get(&account.sub) {
            return Err(format!("sub: the same as in {counted} {}", first.number()));
        }
        if let Some((first, _)) = account.handle.and_then(|handle| self.handles.get(&handle)) {
            return Err(format!("passkeys: handle: the same as in {counted} {}", first.number()));
        }
        if let Some(withheld) = withheld {
            *self.withheld.entry(withheld.reason()).or_default() += 1;
            if let Withheld::Unusable(reason) = &withheld {
                self.tell(place, Some(&account.registered_email), &format!("comes in without its hash: {reason}"));
            }
        }
        self.factors += usize::from(factor.is_some());
        self.without_password += u64::from(account.password_hash.is_none() && unfinished.is_none());
        self.disabled += u64::from(account.status == Status::Disabled);
        self.fast += u64::from(matches!(unfinished, Some(Imported::Fast(_))));
        self.needs_secret |= matches!(unfinished, Some(Imported::Sealed(_) | Imported::Secret(_)));
        if !account.email.can_be_mailed() {
            self.unmailable += 1;
            self.first_unmailable.get_or_insert_with(|| account.email.clone());
        }
        self.emails.insert(account.email.clone(), place.number());
        if let Some(handle) = account.handle {
            self.handles.insert(handle, (place, account.email.clone()));
        }
        if has_sub {
            self.subs.insert(account.sub, (place, account.email));
        }
        self.profile.extend(account.profile.into_keys());
        self.access_keys += account.access_keys.len();
        self.passkeys += account.passkeys.len();
        Ok(())
    }

    fn tell_bad(&mut self, place: Place, who: Option<&str>, reason: &str) {
        self.bad += 1;
        self.tell(place, who, reason);
    }

    fn tell(&mut self, place: Place, who: Option<&str>, what: &str) {
        self.told += 1;
        if self.told <= TOLD_MAX {
            let who = who.map(|who| format!(" ({who})")).unwrap_or_default();
            // What a file calls its members must not move the terminal's cursor.
            let line = format!("{place}{who}: {what}");
            output::note(&line.chars().map(|c| if is_unseen(c) { '\u{fffd}' } else { c }).collect::<String>());
        } else if self.told == TOLD_MAX + 1 {
            output::note("and more");
        }
    }

    /// How many accounts come in, as far as the file says.
    pub(super) fn accounts(&self) -> usize {
        self.emails.len()
    }

    /// Whether the file brings what no two accounts may share.
    pub(super) fn has_ids(&self) -> bool {
        !self.subs.is_empty() || !self.handles.is_empty()
    }

    /// Forgets by what accounts were told from each other, before hashes need its memory.
    pub(super) fn forget_who(&mut self) {
        (self.emails, self.subs, self.handles) = Default::default();
    }

    /// How many of the accounts are there already. An id that another account has is told: the two would share their
    /// sessions. So is a handle of passkeys, which would lead to the other one. Malformed items are passed over, and
    /// two imports that run at once are not told of each other.
    pub(super) async fn compare(&mut self, store: &Store) -> Result<u64, StoreError> {
        let mut already_there = 0;
        let mut pages = store.accounts();
        while let Some(page) = pages.next().await? {
            for account in page.into_iter().flatten() {
                already_there += u64::from(self.emails.contains_key(&account.email));
                if let Some((place, email)) = self.subs.get(&account.sub)
                    && *email != account.email
                {
                    self.tell_bad(*place, None, &format!("sub: {} has it already", account.email.as_str()));
                }
                if let Some((place, email)) = account.handle.and_then(|handle| self.handles.get(&handle))
                    && *email != account.email
                {
                    let told = format!("passkeys: handle: {} has it already", account.email.as_str());
                    self.tell_bad(*place, None, &told);
                }
            }
        }
        Ok(already_there)
    }

    /// What does not come in, counted by reason.
    pub(super) fn tell_what_stays_behind(&self, with_factors: bool, target: &Target) {
        if let Some(first) = &self.first_unmailable {
            let emails = output::count(self.unmailable, "email");
            output::note(&format!("warning: {emails} to which no mail can be sent, {} first", first.as_str()));
        }
        for (reason, count) in &self.left_out {
            output::note(&format!("left out: {count}, because they {}", reason.reason()));
        }
        if self.factors > 0 && !with_factors {
            output::note(&format!("second factors left out: {}; with --with-factors they come along", self.factors));
        }
        for (reason, count) in &self.withheld {
            output::note(&format!("hashes left behind: {count}, because {reason}"));
        }
        if self.without_password > 0 {
            output::note(&target.said(&format!(
                "accounts without a hash: {}; nobody can log on to them before `jea-auth user passwd` sets a password",
                self.without_password
            )));
        }
    }

    pub(super) fn tell_dry_run(&self) {
        let names: Vec<&str> = self.profile.iter().map(String::as_str).collect();
        output::note(&match names.as_slice() {
            [] => "nothing becomes a member of a profile".to_owned(),
            names => {
                format!("members of a profile, which every client of an account's owner sees: {}", names.join(", "))
            }
        });
        if self.disabled > 0 {
            output::note(&format!("accounts that come in disabled: {}", self.disabled));
        }
        if self.fast > 0 {
            output::note(&format!("fast hashes, over which Argon2id is computed at the import: {}", self.fast));
        }
        if self.access_keys > 0 {
            let keys = output::count(self.access_keys, "access key");
            output::note(&format!("{keys} come along, and whoever has one can log on with it until it expires"));
        }
        if self.passkeys > 0 {
            let passkeys = output::count(self.passkeys, "passkey");
            output::note(&format!("{passkeys} come along, and log on where the stack's issuer is of their host"));
        }
        output::note(
            "not checked: whether a hash is that of its owner's password, and what others add or change meanwhile",
        );
    }
}
