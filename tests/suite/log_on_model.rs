//! The steps of a log-on, of whatever ends its account's sessions, and of the two requests that its owner can send
//! meanwhile, in every order that they can happen in. A step is one call of DynamoDB, which is atomic by itself. Anybody may
//! die between two steps, a session's write may be lost or arrive later, and the answer to it may be lost.
//!
//! It is a model, written by hand beside `operations` and `administration`: it shows that the order of their steps is
//! right, and races on the store show that these are their steps.

use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What an operator, or one day the owner, does to the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum End {
    NewPassword,
    Disable,
    Delete,
    Revoke,
}

/// What could have been left out. Each must be missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Flaw {
    None,
    /// The log-on looks at the account before it writes its session.
    LooksFirst,
    /// The log-on does not look again at all.
    LooksOnce,
    /// A session's write is sent again under the same id.
    WritesAgain,
    /// The operator reads the sessions before the account is written.
    ReadsFirst,
    /// Check-in does not compare generations.
    ChecksInBlindly,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Account {
    is_active: bool,
    password: u8,
    generation: u8,
}

/// Where a log-on is. `sid` is the id that it uses next or has used last; its generation is what it has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum LogOn {
    Begins {
        sid: u8,
        again: bool,
    },
    Writes {
        sid: u8,
        read: Account,
        again: bool,
    },
    /// The first write seemed to fail.
    Rewrites {
        sid: u8,
        read: Account,
        again: bool,
    },
    Looks {
        sid: u8,
        read: Account,
        again: bool,
    },
    Undoes {
        sid: u8,
        again: bool,
    },
    GivesUp {
        sid: u8,
    },
    Signed {
        sid: u8,
        generation: u8,
    },
    Refused,
    Unavailable,
    Died,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Operator {
    Begins,
    /// With the sessions that it has read already, if it reads them first.
    Raises(BTreeSet<u8>),
    Lists,
    Deletes(BTreeSet<u8>),
    Removes,
    Done,
    Died,
}

/// A request of whoever has the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum CheckIn {
    NotYet,
    /// It has read an account that it may renew for.
    Extends {
        after_the_end: bool,
    },
    Renewed {
        after_the_end: bool,
    },
    Refused,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    account: Option<Account>,
    /// Sessions by id, with their generation.
    sessions: BTreeMap<u8, u8>,
    /// Writes of sessions that are on their way.
    late: BTreeSet<(u8, u8)>,
    log_on: LogOn,
    operator: Operator,
    check_in: CheckIn,
    logged_off: bool,
}

struct Model {
    end: End,
    flaw: Flaw,
    /// How many ways lead on from each state.
    ways: HashMap<World, u128>,
    seen: BTreeMap<&'static str, u64>,
    broken: Option<(&'static str, World)>,
}

impl Model {
    fn explore(end: End, flaw: Flaw) -> (Self, u128) {
        let account = Account { is_active: true, password: 0, generation: 0 };
        let world = World {
            account: Some(account),
            sessions: BTreeMap::new(),
            late: BTreeSet::new(),
            log_on: LogOn::Begins { sid: 0, again: false },
            operator: Operator::Begins,
            check_in: CheckIn::NotYet,
            logged_off: false,
        };
        let mut model = Self { end, flaw, ways: HashMap::new(), seen: BTreeMap::new(), broken: None };
        let ways = model.visit(&world);
        (model, ways)
    }

    fn visit(&mut self, world: &World) -> u128 {
        if let Some(ways) = self.ways.get(world) {
            return *ways;
        }
        if let (Some(sentence), None) = (self.broken_rule(world), &self.broken) {
            self.broken = Some((sentence, world.clone()));
        }
        let mut next = self.log_on_steps(world);
        next.extend(self.operator_steps(world));
        next.extend(self.owner_steps(world));
        next.extend(world.late.iter().map(|copy| {
            let mut next = world.clone();
            next.late.remove(copy);
            next.sessions.entry(copy.0).or_insert(copy.1);
            next
        }));
        let ways = if next.is_empty() { 1 } else { next.iter().map(|next| self.visit(next)).sum() };
        if next.is_empty() {
            *self.seen.entry(outcome(world)).or_default() += 1;
        }
        self.ways.insert(world.clone(), ways);
        ways
    }

    fn log_on_steps(&self, world: &World) -> Vec<World> {
        let then = |log_on: LogOn| World { log_on, ..world.clone() };
        let with = |log_on: LogOn, change: &dyn Fn(&mut World)| {
            let mut next = then(log_on);
            change(&mut next);
            next
        };
        let arrives = |log_on, sid, read: Account| {
            with(log_on, &|next| {
                next.sessions.entry(sid).or_insert(read.generation);
            })
        };
        let is_late = |log_on, sid, read: Account| {
            with(log_on, &|next| {
                next.late.insert((sid, read.generation));
            })
        };
        let ends = |log_on, sid: u8| {
            with(log_on, &|next| {
                next.sessions.remove(&sid);
            })
        };
        let written = |sid, read: Account, again| {
            if matches!(self.flaw, Flaw::LooksFirst | Flaw::LooksOnce) {
                LogOn::Signed { sid, generation: read.generation }
            } else {
                LogOn::Looks { sid, read, again }
            }
        };
        let mut steps = match world.log_on {
            LogOn::Begins { sid, again } => {
                match world.account.filter(|account| account.is_active && account.password == 0) {
                    Some(read) if self.flaw == Flaw::LooksFirst => vec![then(LogOn::Looks { sid, read, again })],
                    Some(read) => vec![then(LogOn::Writes { sid, read, again })],
                    None => vec![then(LogOn::Refused)],
                }
            }
            LogOn::Writes { sid, read, again } => {
                let next = if self.flaw == Flaw::WritesAgain { sid } else { sid + 1 };
                let rewrites = LogOn::Rewrites { sid: next, read, again };
                vec![
                    arrives(written(sid, read, again), sid, read),
                    arrives(rewrites, sid, read),
                    is_late(rewrites, sid, read),
                    then(rewrites),
                ]
            }
            LogOn::Rewrites { sid, read, again } => vec![
                arrives(written(sid, read, again), sid, read),
                arrives(LogOn::Unavailable, sid, read),
                is_late(LogOn::Unavailable, sid, read),
                then(LogOn::Unavailable),
            ],
            LogOn::Looks { sid, read, again } => {
                let is_same = world.account == Some(read);
                let seen = if !is_same {
                    LogOn::Undoes { sid, again }
                } else if self.flaw == Flaw::LooksFirst {
                    LogOn::Writes { sid, read, again }
                } else {
                    LogOn::Signed { sid, generation: read.generation }
                };
                vec![then(seen), then(LogOn::GivesUp { sid })]
            }
            LogOn::Undoes { sid, again } => {
                let after = if again { LogOn::Refused } else { LogOn::Begins { sid: sid + 1, again: true } };
                vec![ends(after, sid), then(after)]
            }
            LogOn::GivesUp { sid } => vec![ends(LogOn::Unavailable, sid), then(LogOn::Unavailable)],
            LogOn::Signed { .. } | LogOn::Refused | LogOn::Unavailable | LogOn::Died => return Vec::new(),
        };
        steps.push(then(LogOn::Died));
        steps
    }

    fn operator_steps(&self, world: &World) -> Vec<World> {
        let then = |operator: Operator| World { operator, ..world.clone() };
        let sessions = || world.sessions.keys().copied().collect();
        let last = || if self.end == End::Delete { Operator::Removes } else { Operator::Done };
        let mut steps = match &world.operator {
            Operator::Begins if self.flaw == Flaw::ReadsFirst => vec![then(Operator::Raises(sessions()))],
            Operator::Begins => vec![World { operator: Operator::Lists, ..self.ended(world) }],
            Operator::Raises(read) => vec![World { operator: Operator::Deletes(read.clone()), ..self.ended(world) }],
            Operator::Lists => vec![then(Operator::Deletes(sessions()))],
            Operator::Deletes(left) if left.is_empty() => vec![then(last())],
            // Several at once: in any order.
            Operator::Deletes(left) => left
                .iter()
                .map(|sid| {
                    let others = left.iter().copied().filter(|other| other != sid).collect();
                    let mut next = then(Operator::Deletes(others));
                    next.sessions.remove(sid);
                    next
                })
                .collect(),
            Operator::Removes => vec![World { account: None, ..then(Operator::Done) }],
            Operator::Done | Operator::Died => return Vec::new(),
        };
        steps.push(then(Operator::Died));
        steps
    }

    /// The account as the operator's first write leaves it.
    fn ended(&self, world: &World) -> World {
        let account = world.account.map(|account| Account {
            is_active: account.is_active && !matches!(self.end, End::Disable | End::Delete),
            password: u8::from(self.end == End::NewPassword),
            generation: account.generation + 1,
        });
        World { account, ..world.clone() }
    }

    fn owner_steps(&self, world: &World) -> Vec<World> {
        let LogOn::Signed { sid, generation } = world.log_on else { return Vec::new() };
        let mut steps = Vec::new();
        let then = |check_in: CheckIn| World { check_in, ..world.clone() };
        match world.check_in {
            // The authorizer finds the session first, and says its generation.
            CheckIn::NotYet if world.sessions.contains_key(&sid) => {
                let may = world.account.is_some_and(|account| {
                    account.is_active && (account.generation == generation || self.flaw == Flaw::ChecksInBlindly)
                });
                let after_the_end = world.account.is_none_or(|account| account.generation > generation);
                steps.push(then(if may { CheckIn::Extends { after_the_end } } else { CheckIn::Refused }));
            }
            CheckIn::Extends { after_the_end } => {
                let is_there = world.sessions.contains_key(&sid);
                steps.push(then(if is_there { CheckIn::Renewed { after_the_end } } else { CheckIn::Refused }));
            }
            CheckIn::NotYet | CheckIn::Renewed { .. } | CheckIn::Refused => {}
        }
        if !world.logged_off {
            let mut next = World { logged_off: true, ..world.clone() };
            next.sessions.remove(&sid);
            steps.push(next);
        }
        steps
    }

    /// What must hold at every moment.
    fn broken_rule(&self, world: &World) -> Option<&'static str> {
        let signed = if let LogOn::Signed { sid, generation } = world.log_on { Some((sid, generation)) } else { None };
        let is_alive = signed.is_some_and(|(sid, _)| world.sessions.contains_key(&sid));
        let is_of_before = signed.is_some_and(|(_, generation)| {
            world.account.is_none_or(|account| account.generation != generation || !account.is_active)
        });
        if world.operator == Operator::Done && is_alive && is_of_before {
            return Some("a session of the time before has a token, and lives on after its end");
        }
        if world.logged_off && is_alive {
            return Some("a session came back after its log-off");
        }
        if matches!(world.check_in, CheckIn::Renewed { after_the_end: true }) {
            return Some("a check-in that began after the end was done");
        }
        let has_died = matches!(world.log_on, LogOn::Died | LogOn::Unavailable) || world.operator == Operator::Died;
        let is_over = signed.is_some() && !has_died && world.late.is_empty() && world.operator == Operator::Done;
        if is_over && self.end != End::Revoke && is_alive && !world.logged_off {
            return Some("nobody may be logged on with what was good before");
        }
        None
    }
}

fn outcome(world: &World) -> &'static str {
    match (world.log_on, &world.operator) {
        (LogOn::Signed { generation: 0, .. }, Operator::Done) => "the log-on came first, and was ended",
        (LogOn::Signed { .. }, Operator::Done) => "the end came first, and the log-on after it",
        (LogOn::Refused, Operator::Done) => "the end came first, and the log-on was refused",
        (LogOn::Signed { .. }, _) => "the operator died",
        _ => "the log-on died or was told to try again",
    }
}

// Check 66.
#[test]
fn in_every_order_of_their_steps_no_session_outlives_what_ends_it() {
    for end in [End::NewPassword, End::Disable, End::Delete, End::Revoke] {
        let (model, ways) = Model::explore(end, Flaw::None);
        println!("{end:?}: {ways} interleavings of {} states; {:?}", model.ways.len(), model.seen);
        assert!(model.broken.is_none(), "{end:?}: {:?}", model.broken);
        let first = model.seen.contains_key("the log-on came first, and was ended");
        let later = if end == End::Revoke {
            "the end came first, and the log-on after it"
        } else {
            "the end came first, and the log-on was refused"
        };
        assert!(first && model.seen.contains_key(later), "both orders occur: {:?}", model.seen);
    }
}

#[test]
fn each_condition_of_the_flow_is_needed() {
    for flaw in [Flaw::LooksFirst, Flaw::LooksOnce, Flaw::WritesAgain, Flaw::ReadsFirst, Flaw::ChecksInBlindly] {
        let broken: Vec<_> = [End::NewPassword, End::Disable, End::Delete, End::Revoke]
            .into_iter()
            .filter_map(|end| Model::explore(end, flaw).0.broken.map(|(sentence, _)| (end, sentence)))
            .collect();
        println!("{flaw:?}: {broken:?}");
        assert!(!broken.is_empty(), "{flaw:?} would not be noticed");
    }
}
