//! What is done for every request, alone: the parts of an authorization and of a log-on.
//!
//!     cargo bench --bench hot_paths
//!
//! The hash is computed four times over: by `argon2` with memory that is allocated for it and with memory that is there,
//! as this service does it, and by `argon2-rust` in both ways.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on says so")]

mod stack;

use std::{hint::black_box, time::Duration};

use criterion::{Criterion, criterion_group, criterion_main};
use jea_auth::{
    domain::{
        ids::{AccountId, SessionId},
        json,
        password::{Hasher, ITERATIONS, MEMORY_KIB, PARALLELISM, Password},
        session::Lifetimes,
        signing_key::{Algorithm, KeyId, KeyMaterial, PrivateKey},
        token::{Claims, Issuer, Token, TokenRules, UnverifiedToken},
    },
    functions::app,
    local::DEMO_PASSWORD,
    platform::machine,
    service::operations::Credential,
    web::event::Event,
};
use serde_json::json;
use stack::{authorization, stack};

fn tokens(criterion: &mut Criterion) {
    let now = machine::now();
    let rules = TokenRules {
        issuer: Issuer::parse("https://api.example.org").unwrap(),
        audience: "https://api.example.org".to_owned(),
        lifetimes: Lifetimes { token: Duration::from_hours(12), session: Duration::from_hours(168) },
    };
    let claims = Claims {
        iss: rules.issuer.as_str().to_owned(),
        aud: rules.audience.clone(),
        sub: AccountId::new(&[1; 16]),
        sid: SessionId::new(&[2; 16]),
        jti: "0123456789abcdef0123456789abcdef".to_owned(),
        iat: now.seconds(),
        exp: now.seconds() + 43_200,
        auth_time: now.seconds(),
    };
    for algorithm in [Algorithm::Es256, Algorithm::Rs256] {
        let kid = KeyId::made_at(now);
        let material = KeyMaterial::generate(kid.clone(), algorithm).unwrap();
        let key = PrivateKey::of(&material.jwk, &material.private).unwrap();
        let verifying = material.jwk.verifying().unwrap();
        let token = Token::sign(&claims, &kid, &key).unwrap();
        let name = algorithm.name();
        criterion.bench_function(&format!("token/sign {name}"), |bencher| {
            bencher.iter(|| Token::sign(black_box(&claims), &kid, &key).unwrap());
        });
        criterion.bench_function(&format!("token/verify {name}"), |bencher| {
            bencher.iter(|| {
                let unverified = UnverifiedToken::parse(black_box(token.expose())).unwrap();
                unverified.verify(algorithm, &verifying, &rules, now).unwrap()
            });
        });
    }
    criterion.bench_function("token/refuse garbage", |bencher| {
        bencher.iter(|| UnverifiedToken::parse(black_box("eyJhbGciOiJub25lIn0.e30.")).is_err());
    });
}

fn credentials(criterion: &mut Criterion) {
    let body = json!({"email": "Yi@jePlus.org", "password": "a password of many words"}).to_string();
    criterion.bench_function("credential/parse", |bencher| {
        bencher.iter(|| json::object::<Credential>(black_box(body.as_bytes())).unwrap());
    });
}

fn authorizations(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let running = runtime.block_on(stack());
    let event = runtime.block_on(authorization(&running, "/orders"));
    let event: Event = serde_json::from_value(event).unwrap();
    let function = app::authorizer(&running.config, machine::system_clock());
    criterion.bench_function("authorizer/session remembered", |bencher| {
        bencher.iter(|| runtime.block_on(function.handle(black_box(&event))).unwrap());
    });
    runtime.block_on(running.stop());
}

fn hashes(criterion: &mut Criterion) {
    let password = Password::new(DEMO_PASSWORD);
    let mut group = criterion.benchmark_group("argon2id");
    group.sample_size(50).measurement_time(Duration::from_secs(8));
    let hasher = Hasher::default();
    group.bench_function("as a log-on does", |bencher| {
        bencher.iter(|| hasher.verify(black_box(&password), None));
    });
    let (text, salt, mut output) = (DEMO_PASSWORD.as_bytes(), [7; 16], [0; 32]);
    let params = argon2::Params::new(MEMORY_KIB, ITERATIONS, PARALLELISM, Some(32)).unwrap();
    let one = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    let mut blocks = vec![argon2::Block::default(); MEMORY_KIB as usize];
    group.bench_function("argon2, memory reused", |bencher| {
        let mut hash = || one.hash_password_into_with_memory(black_box(text), &salt, &mut output, &mut blocks).unwrap();
        bencher.iter(&mut hash);
    });
    let memory = argon2_rust::params::Memory::kib(u64::from(MEMORY_KIB));
    let params = argon2_rust::Params::builder().memory(memory).passes(ITERATIONS).lanes(PARALLELISM).build().unwrap();
    let other = argon2_rust::Argon2::new(argon2_rust::Algorithm::Argon2id, argon2_rust::Version::V0x13, params);
    let mut reusing = other.hasher();
    group.bench_function("argon2-rust, memory reused", |bencher| {
        bencher.iter(|| reusing.hash_into(black_box(text), &salt, &mut output).unwrap());
    });
}

criterion_group!(benches, tokens, credentials, authorizations, hashes);
criterion_main!(benches);
