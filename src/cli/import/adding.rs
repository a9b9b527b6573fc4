//! The second time through a file: its accounts are finished and added, several transactions at once.

use std::{
    io::{self, IsTerminal, Write},
    sync::Arc,
    thread,
};

use tokio::task::{JoinSet, block_in_place};

use super::{Summary, checked::Checked, entry::Read, hash::Imported};
use crate::{
    cli::{Failure, Target, output, roster::sealing_secret},
    domain::account::Account,
    domain::password::Hasher,
    domain::secret::ServiceSecret,
    functions::app::Stack,
    platform::journal::Stopwatch,
    platform::machine,
    platform::store::{ADDED_AT_ONCE, Added, Store, StoreError},
};

/// How many transactions are under way at once, so that the next accounts are read while DynamoDB writes.
const UNDER_WAY: usize = 4;
/// How many hashes are computed at once at most. Each takes 19 MiB.
const HASHERS_MAX: usize = 2;

/// Accounts on their way into a stack.
pub(super) struct Adding<'a> {
    store: Store,
    secret: Option<Arc<ServiceSecret>>,
    hashers: Vec<Hasher>,
    batch: Vec<Read>,
    under_way: JoinSet<Result<Vec<Added>, StoreError>>,
    target: &'a Target,
    /// Hashes that another stack has sealed.
    closed: u64,
}

impl<'a> Adding<'a> {
    pub(super) async fn start(stack: Stack, checked: &Checked, target: &'a Target) -> Result<Self, Failure> {
        let secret = if checked.needs_secret { Some(sealing_secret(&stack).await?) } else { None };
        let processors = thread::available_parallelism().map_or(1, usize::from).min(HASHERS_MAX);
        let hashers: Vec<Hasher> = (0..processors).map(|_| Hasher::default()).collect();
        let adding = Self {
            store: stack.store,
            secret,
            hashers,
            batch: Vec::with_capacity(ADDED_AT_ONCE),
            under_way: JoinSet::new(),
            target,
            closed: 0,
        };
        adding.tell_time(checked.fast);
        Ok(adding)
    }

    /// How long the hashes will take that are computed at an import.
    fn tell_time(&self, fast: u64) {
        let Some(hasher) = self.hashers.first().filter(|_| fast > 0) else { return };
        // The first one waits for its memory.
        let hash = || hasher.wrap("digest:sha1:raw::", &[0; 20], machine::random());
        let _ = hash();
        let watch = Stopwatch::start();
        let _ = hash();
        let each = u32::try_from(fast.div_ceil(self.hashers.len() as u64)).unwrap_or(u32::MAX);
        let seconds = watch.elapsed().saturating_mul(each).as_secs() + 1;
        output::note(&format!(
            "fast hashes: {fast}; Argon2id is computed over each, which takes about {}",
            if seconds < 120 { output::count(seconds, "second") } else { output::count(seconds / 60, "minute") }
        ));
    }

    pub(super) async fn add(&mut self, read: Read, summary: &mut Summary) -> Result<(), Failure> {
        // A transaction takes no two writes of one item: the file may have changed.
        let is_there = self.batch.iter().any(|other| other.account.email == read.account.email);
        if self.batch.len() == ADDED_AT_ONCE || is_there {
            self.flush(summary).await?;
        }
        self.batch.push(read);
        Ok(())
    }

    /// Waits for all of it.
    pub(super) async fn finish(mut self, summary: &mut Summary) -> Result<(), Failure> {
        self.flush(summary).await?;
        while !self.under_way.is_empty() {
            self.wait(summary).await?;
        }
        if io::stderr().is_terminal() {
            output::note("");
        }
        if self.closed > 0 {
            summary.without_password += self.closed;
            output::note(&format!(
                "hashes left behind: {}, because they rest on a secret that another stack has sealed; import them from the old \
                 system, with --pepper-file or --hash-config",
                self.closed
            ));
        }
        Ok(())
    }

    async fn flush(&mut self, summary: &mut Summary) -> Result<(), Failure> {
        let batch = std::mem::take(&mut self.batch);
        if batch.is_empty() {
            return Ok(());
        }
        let accounts = block_in_place(|| self.finished(batch))?;
        while self.under_way.len() >= UNDER_WAY {
            self.wait(summary).await?;
        }
        let store = self.store.clone();
        self.under_way.spawn(async move { store.add_accounts(&accounts).await });
        Ok(())
    }

    async fn wait(&mut self, summary: &mut Summary) -> Result<(), Failure> {
        let Some(done) = self.under_way.join_next().await else { return Ok(()) };
        for result in done?.map_err(|error| self.target.unreachable(error))? {
            match result {
                Added::Added => summary.added += 1,
                Added::Exists => *summary.already_there.get_or_insert(0) += 1,
            }
        }
        if io::stderr().is_terminal() {
            // A line that is written over is of use to a person alone.
            let done = summary.added + summary.already_there.unwrap_or_default();
            let _ = write!(io::stderr().lock(), "\r{done} of {} lines", summary.lines);
        }
        Ok(())
    }

    /// The accounts as they are stored. Hashes are computed on several processors.
    fn finished(&mut self, batch: Vec<Read>) -> Result<Vec<Account>, Failure> {
        let secret = self.secret.as_deref();
        let mut batch: Vec<Option<Read>> = batch.into_iter().map(Some).collect();
        let share = batch.len().div_ceil(self.hashers.len().max(1));
        let parts: Vec<_> = thread::scope(|scope| {
            let hashers = self.hashers.iter().zip(batch.chunks_mut(share));
            let threads: Vec<_> = hashers
                .map(|(hasher, reads)| {
                    scope.spawn(move || {
                        let reads = reads.iter_mut().filter_map(Option::take);
                        reads.map(|read| finished(read, hasher, secret)).collect::<Result<Vec<_>, _>>()
                    })
                })
                .collect();
            threads.into_iter().map(thread::ScopedJoinHandle::join).collect()
        });
        let mut accounts = Vec::with_capacity(batch.len());
        for part in parts {
            let part = part.map_err(|_| Failure::new("a hash could not be computed", "import again"))??;
            for (account, is_closed) in part {
                self.closed += u64::from(is_closed);
                accounts.push(account);
            }
        }
        Ok(accounts)
    }
}

/// The account as it is stored, and whether its hash does not open here.
fn finished(read: Read, hasher: &Hasher, secret: Option<&ServiceSecret>) -> Result<(Account, bool), Failure> {
    let Read { mut account, unfinished, factor, .. } = read;
    let failed = |what: &str| Failure::new(format!("{what} could not be sealed"), "import again");
    let mut is_closed = false;
    match (unfinished, secret) {
        (None | Some(Imported::Kept(_)), _) => {}
        (Some(Imported::Fast(fast)), _) => {
            account.password_hash = Some(hasher.wrap(&fast.steps, &fast.digest, machine::random())?);
        }
        (Some(Imported::Secret(hash)), Some(secret)) => {
            let sealed = hash.sealed(&account.sub, secret, machine::random());
            account.password_hash = Some(sealed.ok_or_else(|| failed("a hash"))?);
        }
        (Some(Imported::Sealed(hash)), Some(secret)) => {
            is_closed = hash.opened(&account.sub, secret).is_none();
            account.password_hash = Some(hash).filter(|_| !is_closed);
        }
        (Some(Imported::Secret(_) | Imported::Sealed(_)), None) => return Err(failed("a hash")),
    }
    if let (Some(factor), Some(secret)) = (factor, secret) {
        let sealed = factor.sealed(&account.sub, secret, machine::random());
        account.factor = Some(sealed.ok_or_else(|| failed("a second factor"))?);
    }
    Ok((account, is_closed))
}
