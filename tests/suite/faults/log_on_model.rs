//! The steps of a log-on, of whatever ends its account's sessions, and of what its owner asks meanwhile, in every order that
//! they can happen in. A step is one call of DynamoDB, or one item of a call that is no snapshot. Anybody may die between two
//! steps; a session's write may be lost or arrive later, and the answer to it may be lost.
//!
//! It is a model, written by hand beside `operations`, `administration` and `store`: it shows that their conditions are the ones
//! that are needed, and races on the store show that these are their steps.

use std::collections::{BTreeMap, BTreeSet, HashSet};

/// What ends the account's sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum End {
    NewPassword,
    Disable,
    /// The account is deleted, and added again with the same id and password.
    DeleteAndAdd,
    /// The operator ends all sessions.
    Revoke,
    /// The owner ends all sessions but the own one.
    Others,
}

const ENDS: [End; 5] = [End::NewPassword, End::Disable, End::DeleteAndAdd, End::Revoke, End::Others];

/// What could have been left out. Each must be missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Flaw {
    None,
    /// A session that seems not to be written is written again under the same id.
    WritesAgain,
    /// A session gets the generation that its account has when it is written, not when the password was compared.
    WritesPresentGeneration,
    /// A session of any generation is alive.
    ComparesNothing,
    /// An account that is added begins to count its generations anew.
    CountsAnew,
    /// A mismatch of generations is a refusal at once.
    ReadsOnce,
    /// The owner's session is carried over by a second write.
    CarriesLater,
    /// A check-in extends a session whether it is there or not.
    ExtendsBlindly,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Account {
    is_active: bool,
    password: u8,
    generation: u8,
}

/// Where a log-on is, which knows the first password. `sid` is the id that it writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum LogOn {
    Begins,
    Writes { sid: u8, read: Account, again: bool },
    Signed { sid: u8, began_after_end: bool },
    Over,
}

/// Where the end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Ending {
    Begins,
    /// The account is deleted, and will be added again.
    Adds,
    /// The account has moved on, and the owner's session is to be carried over, if that takes another write.
    Carries,
    /// Acknowledged.
    Done,
    Died,
}

/// A request with the token of the log-on, or with that of the owner's session: two reads, in either order, that are no snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Asked {
    NotYet,
    /// It has read the session's generation, or that there is none.
    Session {
        generation: Option<u8>,
        after_end: bool,
        again: bool,
    },
    /// It may go on.
    Allowed {
        after_end: bool,
    },
    /// It has extended the session.
    Extended,
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
    began_after_end: bool,
    ending: Ending,
    /// Asks with the token of the log-on, and extends its session.
    by_log_on: Asked,
    /// Asks with the token of the owner's own session.
    by_owner: Asked,
    logged_off: bool,
}

/// The session of the owner, which is there from the start.
const OWN: u8 = 9;

struct Model {
    end: End,
    flaw: Flaw,
    states: HashSet<World>,
    seen: BTreeSet<&'static str>,
    broken: Option<(&'static str, World)>,
}

impl Model {
    fn explore(end: End, flaw: Flaw) -> Self {
        let first = World {
            account: Some(Account { is_active: true, password: 0, generation: 0 }),
            sessions: BTreeMap::from([(OWN, 0)]),
            late: BTreeSet::new(),
            log_on: LogOn::Begins,
            began_after_end: false,
            ending: Ending::Begins,
            by_log_on: Asked::NotYet,
            by_owner: Asked::NotYet,
            logged_off: false,
        };
        let mut model = Self { end, flaw, states: HashSet::new(), seen: BTreeSet::new(), broken: None };
        let mut open = vec![first];
        while let Some(world) = open.pop() {
            if !model.states.insert(world.clone()) {
                continue;
            }
            if let (None, Some(rule)) = (&model.broken, model.broken_rule(&world)) {
                model.broken = Some((rule, world.clone()));
            }
            model.seen.extend(outcome(&world));
            open.extend(model.log_on_steps(&world));
            open.extend(model.ending_steps(&world));
            open.extend(model.log_on_s_requests(&world));
            open.extend(model.owner_s_requests(&world));
            for (sid, generation) in &world.late {
                let mut next = world.clone();
                next.late.remove(&(*sid, *generation));
                next.sessions.entry(*sid).or_insert(*generation);
                open.push(next);
            }
        }
        model
    }

    fn log_on_steps(&self, world: &World) -> Vec<World> {
        let then = |log_on| World { log_on, ..world.clone() };
        match world.log_on {
            LogOn::Begins => {
                let began_after_end = world.ending == Ending::Done;
                let log_on = match world.account.filter(|account| account.is_active && account.password == 0) {
                    Some(read) => LogOn::Writes { sid: 0, read, again: false },
                    None => LogOn::Over,
                };
                vec![World { began_after_end, ..then(log_on) }]
            }
            LogOn::Writes { sid, read, again } => {
                let generation = match (self.flaw, world.account) {
                    (Flaw::WritesPresentGeneration, Some(account)) => account.generation,
                    _ => read.generation,
                };
                let signed = LogOn::Signed { sid, began_after_end: world.began_after_end };
                let next = if self.flaw == Flaw::WritesAgain { sid } else { sid + 1 };
                let unanswered = if again { LogOn::Over } else { LogOn::Writes { sid: next, read, again: true } };
                let (mut acknowledged, mut answer_lost, mut late) = (then(signed), then(unanswered), then(unanswered));
                acknowledged.sessions.entry(sid).or_insert(generation);
                answer_lost.sessions.entry(sid).or_insert(generation);
                late.late.insert((sid, generation));
                vec![acknowledged, answer_lost, late, then(unanswered), then(LogOn::Over)]
            }
            LogOn::Signed { .. } | LogOn::Over => Vec::new(),
        }
    }

    fn ending_steps(&self, world: &World) -> Vec<World> {
        let mut next = world.clone();
        let next_generation = |account: Account| Account { generation: account.generation + 1, ..account };
        match (world.ending, world.account) {
            (Ending::Begins, Some(account)) => {
                next.ending = Ending::Done;
                next.account = Some(match self.end {
                    End::NewPassword => Account { password: 1, ..next_generation(account) },
                    End::Disable => Account { is_active: false, ..next_generation(account) },
                    End::DeleteAndAdd | End::Revoke | End::Others => next_generation(account),
                });
                if self.end == End::DeleteAndAdd {
                    (next.account, next.ending) = (None, Ending::Adds);
                } else if self.end == End::Others && self.flaw == Flaw::CarriesLater {
                    next.ending = Ending::Carries;
                } else if self.end == End::Others {
                    next.sessions.insert(OWN, account.generation + 1);
                }
            }
            (Ending::Adds, _) => {
                let generation = u8::from(self.flaw != Flaw::CountsAnew);
                next.account = Some(Account { is_active: true, password: 0, generation });
                next.ending = Ending::Done;
            }
            (Ending::Carries, Some(account)) => {
                next.sessions.insert(OWN, account.generation);
                next.ending = Ending::Done;
            }
            (Ending::Begins | Ending::Carries | Ending::Done | Ending::Died, _) => return Vec::new(),
        }
        vec![next, World { ending: Ending::Died, ..world.clone() }]
    }

    /// One step of a request: it reads the session, then the account. What the two reads show decides.
    fn asked(&self, world: &World, asked: Asked, sid: u8) -> Option<Asked> {
        let after_end = world.ending == Ending::Done;
        match asked {
            Asked::NotYet => {
                Some(Asked::Session { generation: world.sessions.get(&sid).copied(), after_end, again: false })
            }
            Asked::Session { generation, after_end: was_after_end, again } => {
                let account = world.account.filter(|account| account.is_active);
                let is_same = account.map(|account| account.generation) == generation;
                Some(match (generation, account) {
                    (Some(_), Some(_)) if is_same || self.flaw == Flaw::ComparesNothing => {
                        Asked::Allowed { after_end: was_after_end }
                    }
                    (Some(_), Some(_)) if !again && self.flaw != Flaw::ReadsOnce => {
                        Asked::Session { generation: world.sessions.get(&sid).copied(), after_end, again: true }
                    }
                    _ => Asked::Refused,
                })
            }
            Asked::Allowed { .. } | Asked::Extended | Asked::Refused => None,
        }
    }

    fn log_on_s_requests(&self, world: &World) -> Vec<World> {
        let LogOn::Signed { sid, .. } = world.log_on else { return Vec::new() };
        let mut steps = Vec::new();
        if let Some(by_log_on) = self.asked(world, world.by_log_on, sid) {
            steps.push(World { by_log_on, ..world.clone() });
        }
        if let (Asked::Allowed { .. }, Some(account)) = (world.by_log_on, world.account) {
            let mut extended = World { by_log_on: Asked::Extended, ..world.clone() };
            if self.flaw == Flaw::ExtendsBlindly {
                extended.sessions.entry(sid).or_insert(account.generation);
            }
            steps.push(extended);
        }
        if !world.logged_off {
            let mut next = World { logged_off: true, ..world.clone() };
            next.sessions.remove(&sid);
            steps.push(next);
        }
        steps
    }

    fn owner_s_requests(&self, world: &World) -> Vec<World> {
        let by_owner = self.asked(world, world.by_owner, OWN);
        by_owner.map(|by_owner| World { by_owner, ..world.clone() }).into_iter().collect()
    }

    /// Whether the session is alive: the one rule.
    fn is_alive(&self, world: &World, sid: u8) -> bool {
        let session = world.sessions.get(&sid);
        let account = world.account.filter(|account| account.is_active);
        session.zip(account).is_some_and(|(generation, account)| {
            account.generation == *generation || self.flaw == Flaw::ComparesNothing
        })
    }

    /// What must hold at every moment.
    fn broken_rule(&self, world: &World) -> Option<&'static str> {
        let is_ended = world.ending == Ending::Done;
        if let LogOn::Signed { sid, began_after_end } = world.log_on {
            let is_alive = self.is_alive(world, sid);
            if is_ended && is_alive && !began_after_end && self.was_read_before(world, sid) {
                return Some("a session of the time before lives on after its end");
            }
            if world.logged_off && is_alive {
                return Some("a session came back after its log-off");
            }
            if world.ending == Ending::Begins && !world.logged_off && !is_alive {
                return Some("a token was given for a session that is not alive, and nothing has ended it");
            }
        }
        if matches!(world.by_owner, Asked::Allowed { after_end: true }) && self.end != End::Others {
            return Some("a request that began after the end was allowed");
        }
        if self.end == End::Others && world.by_owner == Asked::Refused {
            return Some("an owner who ends all other sessions was refused in the own one");
        }
        if self.end == End::Others && world.ending == Ending::Died && !self.is_alive(world, OWN) {
            return Some("an end of all other sessions that broke off has ended the own one");
        }
        None
    }

    /// Whether the session is of the account as it was before the end. A log-on that reads the account between the end's write and
    /// its acknowledgement is one of the time after.
    fn was_read_before(&self, world: &World, sid: u8) -> bool {
        if self.flaw == Flaw::WritesPresentGeneration {
            self.end == End::NewPassword
        } else {
            world.sessions.get(&sid) == Some(&0)
        }
    }
}

fn outcome(world: &World) -> Option<&'static str> {
    match (world.log_on, world.ending) {
        (LogOn::Signed { began_after_end: false, .. }, Ending::Done) => Some("the log-on came first"),
        (LogOn::Signed { began_after_end: true, .. } | LogOn::Over, Ending::Done) => Some("the end came first"),
        _ => None,
    }
}

// Checks 66, 81.
#[test]
fn in_every_order_of_their_steps_no_session_outlives_what_ends_it() {
    for end in ENDS {
        let model = Model::explore(end, Flaw::None);
        println!("{end:?}: {} states", model.states.len());
        assert!(model.broken.is_none(), "{end:?}: {:?}", model.broken);
        assert_eq!(model.seen.len(), 2, "both orders occur: {:?}", model.seen);
    }
}

#[test]
fn each_condition_is_needed() {
    for flaw in [
        Flaw::WritesAgain,
        Flaw::WritesPresentGeneration,
        Flaw::ComparesNothing,
        Flaw::CountsAnew,
        Flaw::ReadsOnce,
        Flaw::CarriesLater,
        Flaw::ExtendsBlindly,
    ] {
        let broken = ENDS.map(|end| (end, Model::explore(end, flaw).broken.map(|(rule, _)| rule)));
        println!("{flaw:?}: {broken:?}");
        assert!(broken.iter().any(|(_, rule)| rule.is_some()), "{flaw:?} would not be noticed");
    }
}
