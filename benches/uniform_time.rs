//! Whether the time of a failed log-on tells an unknown email, a wrong password and a disabled account apart.
//!
//!     cargo bench --bench uniform_time [-- TRIES]
//!
//! Whole invocations of the log-on function against the embedded database, the classes interleaved. For each pair: the
//! difference of the medians with its 99 % bootstrap interval, and the AUC, which is the chance that a try of the one
//! class takes longer than one of the other. Apart from noise, the interval lies within a millisecond and the AUC near
//! a half.

// Check 3.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a measurement that fails says so"
)]

#[expect(dead_code, reason = "other benchmarks authorize as well")]
mod stack;

use std::time::Instant;

use jea_auth::{
    account::{Account, Name, Status},
    app,
    event::Event,
    ids::AccountId,
    machine,
    password::{Hasher, Password},
    store::Store,
};
use stack::{log_on, stack};

const CLASSES: [(&str, &str); 3] = [
    ("wrong password", "active@example.org"),
    ("unknown email", "unknown@example.org"),
    ("disabled account", "disabled@example.org"),
];
const RESAMPLES: usize = 2_000;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let tries: usize = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(1_000);
    let running = stack().await;
    let store = Store::new(running.config.aws.dynamodb(), &running.config.stack);
    add(&store, "active@example.org", Status::Active).await;
    add(&store, "disabled@example.org", Status::Disabled).await;
    let function = app::logon(&running.config, machine::system_clock());

    let event = |email| serde_json::from_value::<Event>(log_on(email, "a wrong password", "192.0.2.1"));
    let events = CLASSES.map(|(_, email)| event(email).expect("an event"));
    let mut times: [Vec<f64>; 3] = Default::default();
    for attempt in 0..tries + 20 {
        // Each class comes first, second and third as often.
        for place in 0..CLASSES.len() {
            let class = (attempt + place) % CLASSES.len();
            let begun = Instant::now();
            let answer = function.handle(events.get(class).expect("a class")).await;
            let taken = begun.elapsed().as_secs_f64() * 1000.0;
            assert_eq!(answer.status.as_u16(), 401, "{}", answer.body);
            if attempt >= 20 {
                times.get_mut(class).expect("a class").push(taken);
            }
        }
    }
    for ((name, _), times) in CLASSES.iter().zip(&times) {
        println!("{name:<17} median {:7.3} ms of {} tries", median(&mut times.clone()), times.len());
    }
    for (one, other) in [(0, 1), (0, 2), (1, 2)] {
        let (a, b) = (times.get(one).expect("a class"), times.get(other).expect("a class"));
        let difference = median(&mut a.clone()) - median(&mut b.clone());
        let (low, high) = interval(a, b);
        let names = format!("{} - {}", CLASSES.get(one).expect("a class").0, CLASSES.get(other).expect("a class").0);
        let verdict = if low > -1.0 && high < 1.0 && (auc(a, b) - 0.5).abs() <= 0.05 { "same" } else { "DIFFERENT" };
        println!(
            "{names:<34} {difference:+.3} ms, 99 % within {low:+.3} to {high:+.3} ms, AUC {:.3}: {verdict}",
            auc(a, b)
        );
    }
    running.stop().await;
}

async fn add(store: &Store, email: &str, status: Status) {
    let (name, sub) = (Name::parse("Somebody").expect("a name"), AccountId::new(&machine::random()));
    let mut account = Account::new(email, name, sub, machine::now()).expect("an email");
    account.status = status;
    account.password_hash =
        Some(Hasher::default().hash(&Password::new("the right password"), machine::random()).expect("a hash"));
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
