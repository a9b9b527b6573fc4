//! Whether the time of a failed log-on tells an unknown email, a wrong password, a disabled account and one with a second
//! factor apart, or what is wrong
//! with an access key, or who has asked for a link to set a forgotten password.
//!
//!     cargo bench --bench uniform_time [-- TRIES]
//!
//! Whole invocations of the log-on function against the embedded database, the classes interleaved. For each pair: the
//! difference of the medians with its 99 % bootstrap interval, and the AUC, which is the chance that a try of the one
//! class takes longer than one of the other. Apart from noise, the interval lies within a millisecond and the AUC near
//! a half.

// Checks 3, 75, 77.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a measurement that fails says so"
)]

mod crowd;
#[expect(dead_code, reason = "other benchmarks authorize as well")]
mod stack;

use std::time::Instant;

use crowd::{add_accounts, user};
use jea_auth::{
    domain::{
        access_key::{AccessKey, Digest},
        account::{Account, Email, Name, Status},
        factor::{Factor, RECOVERY_CODES},
        ids::{AccountId, hexadecimal},
        password::{Hasher, Password},
    },
    functions::{app, logon::LogonFunction},
    local::Options,
    platform::{
        machine,
        store::{Store, StoreError},
    },
    service::administration::Administration,
    web::event::Event,
};
use serde_json::{Value, json};
use stack::{log_on, stack_with};
use zeroize::Zeroizing;

const RESAMPLES: usize = 2_000;
/// A key has a thousand log-ons at once, and so many tries are made with each.
const TRIES_OF_A_KEY: usize = 400;

/// What is wrong, and the event of a try, by its number.
type Class = (&'static str, Box<dyn Fn(usize) -> Value>);

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let tries: usize = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(1_000);
    let running = stack_with(Options { mail: true, ..Options::in_memory() }).await;
    let store = Store::new(running.config.aws.dynamodb(), &running.config.stack);
    for (email, status, keys) in [
        ("active@example.org", Status::Active, [ACTIVE, EXPIRED].as_slice()),
        ("disabled@example.org", Status::Disabled, &[DISABLED]),
        ("other@example.org", Status::Active, &[OTHER]),
    ] {
        add(&store, email, status, keys).await;
    }
    add(&store, "factor@example.org", Status::Active, &[FACTOR]).await;
    let factor = |account: &Account| {
        let recovery = vec![Digest([7; 32]); RECOVERY_CODES];
        let factor =
            Factor { sealed: vec![7; 48], last_step: 1, last_use: hexadecimal(&[7; 16]), recovery, confirmed_by: None };
        Ok::<_, StoreError>(Account { factor: Some(factor), ..account.clone() })
    };
    store.change_account(&Email::canonical("factor@example.org"), factor).await.unwrap().unwrap();
    let function = app::logon(&running.config, machine::system_clock());
    let password = |email: &'static str| {
        Box::new(move |_| log_on(email, "a wrong password", "192.0.2.1")) as Box<dyn Fn(usize) -> _>
    };
    let by_password: [Class; 4] = [
        ("wrong password", password("active@example.org")),
        ("unknown email", password("unknown@example.org")),
        ("disabled account", password("disabled@example.org")),
        ("second factor", password("factor@example.org")),
    ];
    compare(&function, &by_password, tries, 401).await;
    let key = |email: &'static str, kind: u8, secret: u8| {
        Box::new(move |attempt| log_on(email, &key(kind, attempt, secret).expose(), "192.0.2.1"))
            as Box<dyn Fn(usize) -> _>
    };
    let by_key: [Class; 6] = [
        ("wrong secret", key("active@example.org", ACTIVE, 9)),
        ("unknown email", key("unknown@example.org", INVENTED, 9)),
        ("another's key", key("active@example.org", OTHER, OTHER)),
        ("expired key", key("active@example.org", EXPIRED, EXPIRED)),
        ("invented key", key("active@example.org", INVENTED, 9)),
        ("disabled account", key("disabled@example.org", DISABLED, DISABLED)),
    ];
    compare(&function, &by_key, tries, 401).await;
    // An email has three mails at once, so each try has one of its own.
    let known = tries + 20;
    add_accounts(&running, 2 * known).await;
    let administration = Administration { store, clock: machine::system_clock() };
    for number in known..2 * known {
        administration.disable(&Email::canonical(&user(number))).await.unwrap().unwrap();
    }
    let by_email: [Class; 4] = [
        ("known email", Box::new(|attempt| forgot(&user(attempt)))),
        ("unknown email", Box::new(|attempt| forgot(&format!("nobody-{attempt}@example.org")))),
        ("disabled account", Box::new(move |attempt| forgot(&user(known + attempt)))),
        ("impossible email", Box::new(|attempt| forgot(&format!("nobody {attempt}")))),
    ];
    compare(&function, &by_email, tries, 200).await;
    running.stop().await;
}

/// Kinds of keys.
const ACTIVE: u8 = 1;
const EXPIRED: u8 = 2;
const DISABLED: u8 = 3;
const OTHER: u8 = 4;
const INVENTED: u8 = 5;
const FACTOR: u8 = 6;

/// The key that a try uses.
fn key(kind: u8, attempt: usize, secret: u8) -> AccessKey {
    let number = u8::try_from(attempt / TRIES_OF_A_KEY).expect("fewer than 100,000 tries");
    let mut id = [kind; 16];
    id[0] = number;
    AccessKey::new(&id, &Zeroizing::new([secret; 32]))
}

/// The event that asks for a link to set a forgotten password.
fn forgot(email: &str) -> Value {
    json!({
        "httpMethod": "POST",
        "path": "/users/api/forgot",
        "headers": {"content-type": "application/json"},
        "requestContext": {"requestId": "r", "identity": {"sourceIp": "192.0.2.1"}},
        "body": json!({"email": email}).to_string(),
    })
}

/// Tries all classes in turns, and compares each pair.
async fn compare(function: &LogonFunction, classes: &[Class], tries: usize, status: u16) {
    let mut times: Vec<Vec<f64>> = classes.iter().map(|_| Vec::new()).collect();
    for attempt in 0..tries + 20 {
        // Each class comes first, second and so on as often.
        for place in 0..classes.len() {
            let class = (attempt + place) % classes.len();
            let event: Event =
                serde_json::from_value(classes.get(class).expect("a class").1(attempt)).expect("an event");
            let begun = Instant::now();
            let answer = function.handle(&event).await;
            let taken = begun.elapsed().as_secs_f64() * 1000.0;
            assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
            if attempt >= 20 {
                times.get_mut(class).expect("a class").push(taken);
            }
        }
    }
    for ((name, _), times) in classes.iter().zip(&times) {
        println!("{name:<17} median {:7.3} ms of {} tries", median(&mut times.clone()), times.len());
    }
    let pairs = (0..classes.len()).flat_map(|one| (one + 1..classes.len()).map(move |other| (one, other)));
    for (one, other) in pairs {
        let (a, b) = (times.get(one).expect("a class"), times.get(other).expect("a class"));
        let difference = median(&mut a.clone()) - median(&mut b.clone());
        let (low, high) = interval(a, b);
        let names = format!("{} - {}", classes.get(one).expect("a class").0, classes.get(other).expect("a class").0);
        let verdict = if low > -1.0 && high < 1.0 && (auc(a, b) - 0.5).abs() <= 0.05 { "same" } else { "DIFFERENT" };
        println!(
            "{names:<34} {difference:+.3} ms, 99 % within {low:+.3} to {high:+.3} ms, AUC {:.3}: {verdict}",
            auc(a, b)
        );
    }
}

/// Adds an account with three keys of each kind, enough for a thousand tries; those of [`EXPIRED`] have expired.
async fn add(store: &Store, email: &str, status: Status, kinds: &[u8]) {
    let (name, sub) = (Name::parse("Somebody").expect("a name"), AccountId::new(&machine::random()));
    let mut account = Account::new(email, name, sub, machine::now()).expect("an email");
    account.status = status;
    account.password_hash =
        Some(Hasher::default().hash(&Password::new("the right password"), machine::random()).expect("a hash"));
    for (kind, number) in kinds.iter().flat_map(|kind| (0..3).map(move |number| (*kind, number))) {
        let (key, name) = (key(kind, number * TRIES_OF_A_KEY, kind), Name::parse("script").expect("a name"));
        let mut stored = key.to_store(name, machine::now(), 90);
        if kind == EXPIRED {
            stored.expires_at = stored.created;
        }
        account.access_keys.insert(key.id, stored);
    }
    let _ = store.add_account(&account).await.expect("an account");
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// The 99 % bootstrap interval of the difference of the medians.
fn interval(a: &[f64], b: &[f64]) -> (f64, f64) {
    // SplitMix64: resampling needs no more, and the same numbers give the same interval.
    let mut state = 0_u64;
    let mut next = |below: usize| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % below as u64).unwrap_or_default()
    };
    let mut resample = |times: &[f64]| {
        let mut sample: Vec<f64> = (0..times.len()).filter_map(|_| times.get(next(times.len())).copied()).collect();
        median(&mut sample)
    };
    let mut differences: Vec<f64> = (0..RESAMPLES).map(|_| resample(a) - resample(b)).collect();
    differences.sort_by(f64::total_cmp);
    let at = |place: usize| differences.get(place).copied().unwrap_or_default();
    (at(RESAMPLES / 200), at(RESAMPLES - RESAMPLES / 200 - 1))
}

/// The chance that one of `a` is greater than one of `b`: the statistic of Mann and Whitney.
#[expect(clippy::cast_precision_loss, reason = "counts of a few thousand")]
fn auc(a: &[f64], b: &[f64]) -> f64 {
    let greater: usize = a.iter().map(|x| b.iter().filter(|y| x > *y).count()).sum();
    greater as f64 / (a.len() * b.len()) as f64
}
