//! Whether the time of a failed log-on tells an unknown email, a wrong password, a disabled account and one with a second
//! factor apart, or what is wrong with an access key or a passkey, or who has asked for a link to set a forgotten password.
//!
//!     cargo bench --bench uniform_time [-- TRIES]
//!
//! Whole invocations of the log-on function against the embedded database, the classes interleaved. For each pair: the
//! difference of the medians with its 99 % bootstrap interval, and the AUC, which is the chance that a try of the one
//! class takes longer than one of the other. Apart from noise, the interval lies within a millisecond and the AUC near
//! a half.

// Checks 3, 75, 77, 87.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a measurement that fails says so"
)]

#[expect(dead_code, reason = "the tests of the verifier spoil more than is spoiled here")]
#[path = "../src/domain/webauthn/tests/authenticator.rs"]
mod authenticator;
mod crowd;
mod passkeys;
#[expect(dead_code, reason = "other benchmarks authorize as well")]
mod stack;

use std::{sync::Arc, time::Instant};

use crowd::{add_accounts, user};
use jea_auth::{
    domain::{
        access_key::{AccessKey, Digest},
        account::{Account, Email, Name, Status},
        factor::{Factor, RECOVERY_CODES},
        ids::{AccountId, hexadecimal},
        password::{Hasher, Password, PasswordHash},
    },
    functions::{app, logon::LogonFunction},
    local::{Options, Running},
    platform::{
        machine,
        store::{Store, StoreError},
    },
    service::administration::Administration,
    web::event::Event,
};
use passkeys::{Site, add_passkey, log_on_by_passkey};
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
    let running = stack_with(Options { mail: true, passkeys: true, ..Options::in_memory() }).await;
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
    // Imported hashes take a time of their own, which docs/security.md says. How much that is, a group says for each family: the
    // wrong password of such an account beside that of a disabled one, whose decoy is ours.
    for (number, (family, hash)) in FAMILIES.into_iter().enumerate() {
        let email: &'static str = format!("family-{number}@example.org").leak();
        add(&store, email, Status::Active, &[]).await;
        let imported = |account: &Account| {
            let password_hash = Some(PasswordHash::parse(hash).expect("a hash"));
            Ok::<_, StoreError>(Account { password_hash, ..account.clone() })
        };
        store.change_account(&Email::canonical(email), imported).await.unwrap().unwrap();
        let by_family: [Class; 2] = [(family, password(email)), ("disabled account", password("disabled@example.org"))];
        compare(&function, &by_family, tries.div_ceil(10), 401).await;
    }
    let key = |email: &'static str, kind: u8, secret: u8| {
        Box::new(move |attempt| {
            // An address can try some hundred refused keys at once.
            let address = format!("192.0.2.{}", attempt % 250);
            log_on(email, &key(kind, attempt, secret).expose(), &address)
        }) as Box<dyn Fn(usize) -> _>
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
    compare(&function, &passkeys(&running, &store).await, tries, 401).await;
    // An email has three mails at once, so each try has one of its own.
    let known = tries + 20;
    add_accounts(&running, 2 * known).await;
    let administration = Administration { store, clock: machine::system_clock() };
    for number in known..2 * known {
        administration.disable(&Email::canonical(&user(number))).await.unwrap().unwrap();
    }
    let by_email: [Class; 3] = [
        ("known email", Box::new(|attempt| forgot(&user(attempt)))),
        ("unknown email", Box::new(|attempt| forgot(&format!("nobody-{attempt}@example.org")))),
        ("disabled account", Box::new(move |attempt| forgot(&user(known + attempt)))),
    ];
    compare(&function, &by_email, tries, 200).await;
    running.stop().await;
}

/// Uses of a passkey, each with a challenge of its own, in which one thing is wrong.
async fn passkeys(running: &Running, store: &Store) -> [Class; 4] {
    let passkey = Arc::new(add_passkey(store, "active@example.org", &[1; 32]).await);
    let site = Site::of(running).await;
    let wrong = |spoil: fn(&mut Value)| {
        let (site, passkey) = (site.clone(), Arc::clone(&passkey));
        Box::new(move |_| {
            let mut assertion = site.assertion(&passkey);
            spoil(&mut assertion);
            log_on_by_passkey(&assertion, "192.0.2.1")
        }) as Box<dyn Fn(usize) -> _>
    };
    [
        ("wrong signature", wrong(|body| body["response"]["signature"] = authenticator::text(&[7; 71]).into())),
        ("unknown handle", wrong(|body| body["response"]["userHandle"] = authenticator::text(&[2; 32]).into())),
        ("no handle", wrong(|body| body["response"]["userHandle"] = Value::Null)),
        (
            "unknown passkey",
            wrong(|body| {
                let id = authenticator::text(&[7; 32]);
                (body["id"], body["rawId"]) = (id.clone().into(), id.into());
            }),
        ),
    ]
}

/// One hash of each family that imports bring, with the parameters that its system writes. The outputs are made up.
const FAMILIES: [(&str, &str); 10] = [
    ("bcrypt, cost 12", "$2b$12$CCCCCCCCCCCCCCCCCCCCC.ofufHF.ui6jOJLt/12y1vRz03EwUk2W"),
    (
        "PBKDF2, 600,000",
        "$pbkdf2-sha256$i=600000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$RUoMJN/OBFRTMQxZJj6jXAam6EvmEwu7ks2Vb8Z6nRw",
    ),
    (
        "PBKDF2, at the cap",
        "$pbkdf2-sha512$i=4000000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$RUoMJN/OBFRTMQxZJj6jXAam6EvmEwu7ks2Vb8Z6nRw",
    ),
    ("scrypt, N=2^14", "$scrypt$ln=14,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$2Jebo09aMByWxTPv0C8xN2wATm1ip/b7YG95bWHCB0Q"),
    (
        "Argon2id, 64 MiB",
        "$argon2id$v=19$m=65536,t=3,p=1$FZi1nUxIjbPLDSgXAk+voA$W9GSl89GIjT/7ddrQuina9OVF+curRNtQ2gq2lWbwFY",
    ),
    ("yescrypt", "$yescrypt$j9T$MDEyMzQ1Njc4OWFiY2RlZg$RUoMJN/OBFRTMQxZJj6jXAam6EvmEwu7ks2Vb8Z6nRw"),
    ("SCRAM, 4096", "$scram-sha-256$i=4096$MDEyMzQ1Njc4OWFiY2RlZg$RUoMJN/OBFRTMQxZJj6jXAam6EvmEwu7ks2Vb8Z6nRw"),
    (
        "salted SHA-1",
        "$after$digest:sha1:raw::MDEyMw$argon2id$v=19$m=19456,t=2,p=1$k9LrLOzVsq1B1mKYDcXhMQ$1fdJ3LqCH6Iu1iZkSrwsrT3j94ZpCa6ptS0v7BH1W8c",
    ),
    (
        "phpass",
        "$after$wordpress,iterated:md5:13:M1F5OUZkSGc$argon2id$v=19$m=19456,t=2,p=1$k9LrLOzVsq1B1mKYDcXhMQ$1fdJ3LqCH6Iu1iZkSrwsrT3j94ZpCa6ptS0v7BH1W8c",
    ),
    (
        "SHA-crypt, 5000",
        "$after$sha-crypt:512:5000:M25rUVBNTDRHMC54U1FPRg$argon2id$v=19$m=19456,t=2,p=1$k9LrLOzVsq1B1mKYDcXhMQ$1fdJ3LqCH6Iu1iZkSrwsrT3j94ZpCa6ptS0v7BH1W8c",
    ),
];

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
