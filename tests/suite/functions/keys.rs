//! Keys that come and go while the service runs.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use jea_auth::{
    domain::signing_key::{Algorithm, PUBLISHED_AHEAD_MIN, SIGNS},
    functions::app::{self, Stack},
    platform::{kms::Kms, machine},
    service::{keyring::KEYS_MAX_AGE, rotation::Rotation},
};
use reqwest::StatusCode;
use serde_json::Value;

use crate::support::{
    event::{authorization, effect, log_on_event},
    proxy::Wire,
    service::{EMAIL, Moto, PASSWORD, Service, assert_refused, client, has, token_of},
};

fn rotation(service: &Service) -> Rotation {
    Stack::of(&service.running.config).rotation()
}

fn kid_of(token: &str) -> String {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    serde_json::from_slice::<Value>(&header).unwrap()["kid"].as_str().unwrap().to_owned()
}

async fn published(service: &Service) -> Vec<String> {
    let set: Value = service.get("/.well-known/jwks.json").await.json().await.unwrap();
    set["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

// Check 44.
#[tokio::test]
async fn a_successor_is_published_a_day_ahead_and_then_signs() {
    let service = Service::start().await;
    let first = kid_of(&service.new_token().await);
    service.advance(SIGNS - Duration::from_hours(24));
    let successor = rotation(&service).make_due(service.now(), &machine::random()).await.unwrap().unwrap();
    service.advance(KEYS_MAX_AGE);
    assert_eq!(published(&service).await, [first.as_str(), successor.as_str()]);
    assert_eq!(kid_of(&service.new_token().await), first);
    service.advance(Duration::from_hours(23));
    let last_of_first = service.new_token().await;
    assert_eq!(kid_of(&last_of_first), first);
    service.advance(Duration::from_hours(1));
    assert_eq!(kid_of(&service.new_token().await), successor.as_str());
    service.advance(Duration::from_hours(10));
    assert_eq!(service.user_with(&last_of_first).await, StatusCode::OK, "until its own end");
}

// Check 31.
#[tokio::test]
async fn of_two_rotators_at_once_one_makes_a_key() {
    let service = Service::start().await;
    service.advance(SIGNS);
    let (one, two) = (rotation(&service), rotation(&service));
    let now = service.now();
    for _ in 0..3 {
        let (secret, later) = (machine::random(), now.plus(Duration::from_millis(1)));
        let (made, also_made) = tokio::join!(one.make_due(now, &secret), two.make_due(later, &secret));
        assert!(made.unwrap().is_none() || also_made.unwrap().is_none());
        assert_eq!(one.stored().await.unwrap().keys.len(), 2);
    }
}

// Check 45.
#[tokio::test]
async fn a_revoked_key_s_tokens_are_void_within_a_minute_and_a_new_key_signs_at_once() {
    let service = Service::start().await;
    let token = service.new_token().await;
    assert_eq!(service.user_with(&token).await, StatusCode::OK);
    let rotation = rotation(&service);
    let old = rotation.stored().await.unwrap().keys[0].jwk.key_id().clone();
    assert!(rotation.revoke(&old).await.unwrap());
    service.advance(Duration::from_millis(1));
    let new = rotation.make_due(service.now(), &machine::random()).await.unwrap().unwrap();
    service.advance(KEYS_MAX_AGE - Duration::from_millis(1));
    assert_eq!(service.user_with(&token).await, StatusCode::UNAUTHORIZED);
    let fresh = service.new_token().await;
    assert_eq!(kid_of(&fresh), new.as_str());
    assert_eq!(service.user_with(&fresh).await, StatusCode::OK);
    assert_eq!(published(&service).await, [new.as_str()]);
}

// Check 46.
#[tokio::test]
async fn without_any_key_log_on_is_503_and_recovers_by_itself() {
    let service = Service::start().await;
    let rotation = rotation(&service);
    let old = rotation.stored().await.unwrap().keys[0].jwk.key_id().clone();
    rotation.revoke(&old).await.unwrap();
    service.advance(KEYS_MAX_AGE);
    let answer = service.log_on(EMAIL, PASSWORD).await;
    assert_eq!(answer.headers()["retry-after"], "5");
    assert!(!answer.headers().contains_key("set-cookie"));
    for path in ["/.well-known/jwks.json", "/.well-known/openid-configuration"] {
        let answer = service.get(path).await;
        assert_eq!((answer.status().as_u16(), &answer.headers()["cache-control"]), (503, &"no-store".parse().unwrap()));
    }
    assert_refused(answer, 503).await;
    rotation.make_due(service.now(), &machine::random()).await.unwrap().unwrap();
    assert_eq!(service.log_on(EMAIL, PASSWORD).await.status(), StatusCode::OK);
}

// Check 46.
#[tokio::test]
async fn a_key_that_cannot_be_unsealed_is_503() {
    let (service, other) = (Service::start().await, Service::start().await);
    // The same tables with another KMS: what was sealed here does not open there.
    let mut config = service.config();
    config.aws.kms_endpoint.clone_from(&other.running.config.aws.kms_endpoint);
    let function = app::logon(&config, machine::system_clock());
    let answer = function.handle(&log_on_event(EMAIL, PASSWORD).event()).await;
    assert_eq!(answer.status.as_u16(), 503);
    assert!(answer.headers.contains_key("retry-after") && !answer.headers.contains_key("set-cookie"));
}

#[tokio::test]
async fn an_operator_s_rotation_signs_when_every_cache_has_seen_it_and_takes_the_place_of_a_successor() {
    let service = Service::start().await;
    let rotation = rotation(&service);
    service.advance(SIGNS - Duration::from_hours(1));
    let planned = rotation.make_due(service.now(), &machine::random()).await.unwrap().unwrap();
    service.advance(Duration::from_secs(1));
    let forced = rotation
        .make_now(service.now(), &machine::random(), Some(Algorithm::Rs256), PUBLISHED_AHEAD_MIN)
        .await
        .unwrap()
        .unwrap();
    let keys = rotation.stored().await.unwrap().keys;
    assert!(!keys.iter().any(|key| *key.jwk.key_id() == planned));
    service.advance(PUBLISHED_AHEAD_MIN + Duration::from_secs(1));
    let token = service.new_token().await;
    assert_eq!(kid_of(&token), forced.as_str());
    assert_eq!(service.user_with(&token).await, StatusCode::OK, "RS256 through and through");
    let discovery: Value = service.get("/.well-known/openid-configuration").await.json().await.unwrap();
    assert_eq!(discovery["id_token_signing_alg_values_supported"], serde_json::json!(["ES256", "RS256"]));
    service.advance(SIGNS);
    rotation.make_due(service.now(), &machine::random()).await.unwrap().unwrap();
    let newest = rotation.stored().await.unwrap().keys.pop().unwrap();
    assert_eq!(newest.jwk.algorithm(), Algorithm::Rs256, "a successor keeps the algorithm");
}

/// Rotation in the middle of steady traffic: a day passes in seconds, and not one request is refused.
// Check 44.
#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_under_load_refuses_nobody() {
    let service = Arc::new(Service::start().await);
    let is_over = Arc::new(AtomicBool::new(false));
    // Held to jump over weeks, in which every token would expire.
    let jump = Arc::new(tokio::sync::RwLock::new(()));
    // Held to let a quarter of an hour pass: a log-on under way then would count its attempt at a time that lies back.
    let pause = Arc::new(tokio::sync::RwLock::new(()));
    let served: Arc<[AtomicU64; 3]> = Arc::default();
    let mut loads = Vec::new();
    for number in 0..served.len() {
        let email = format!("load-{number}@jeplus.org");
        service.add_account(&email, PASSWORD, jea_auth::domain::account::Status::Active).await;
        let (service, is_over, jump) = (Arc::clone(&service), Arc::clone(&is_over), Arc::clone(&jump));
        let pause = Arc::clone(&pause);
        let served = Arc::clone(&served);
        loads.push(tokio::spawn(async move {
            let mut kids = std::collections::BTreeSet::new();
            let one_more = || served[number].fetch_add(1, Ordering::SeqCst);
            while !is_over.load(Ordering::SeqCst) {
                let _no_jump = jump.read().await;
                let no_pause = pause.read().await;
                // What a right password costs of its buckets: how often one may log on is not what is tested here.
                service.advance(Duration::from_secs(1));
                let (browser, begun) = (client(), service.now());
                let credential = serde_json::json!({"email": email, "password": PASSWORD});
                let url = &service.running.url;
                let log_on = browser.post(format!("{url}/users/api/auth")).json(&credential).send().await.unwrap();
                assert_eq!(log_on.status(), StatusCode::OK);
                drop(no_pause);
                kids.insert(kid_of(&token_of(&log_on)));
                one_more();
                // A token that is half its life old gives way to a new log-on.
                for _ in 0..5 {
                    if service.now().since(begun) > Duration::from_hours(6) {
                        break;
                    }
                    let user = browser.get(format!("{url}/users/api/user")).send().await.unwrap();
                    assert_eq!(user.status(), StatusCode::OK);
                    let elsewhere = browser.get(format!("{url}/orders")).send().await.unwrap();
                    assert_eq!(elsewhere.status(), StatusCode::NOT_FOUND);
                    one_more();
                }
            }
            kids
        }));
    }
    let rotation = rotation(&service);
    for _ in 0..2 {
        {
            let _alone = jump.write().await;
            service.advance(SIGNS - Duration::from_hours(24));
        }
        rotation.make_due(service.now(), &machine::random()).await.unwrap().unwrap();
        for _ in 0..100 {
            // A quarter of an hour passes when every client has been served once more, however slow this machine is.
            let before = served.each_ref().map(|count| count.load(Ordering::SeqCst));
            while served.iter().zip(before).any(|(count, before)| count.load(Ordering::SeqCst) == before) {
                assert!(loads.iter().all(|load| !load.is_finished()), "a client was refused");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            let _alone = pause.write().await;
            service.advance(Duration::from_mins(15));
        }
    }
    is_over.store(true, Ordering::SeqCst);
    for load in loads {
        assert_eq!(load.await.unwrap().len(), 3, "every client saw all three keys");
    }
    println!("{served:?} log-ons and further rounds, none refused");
}

/// What is sealed comes back, for its own item alone.
async fn seals_and_unseals(kms: &Kms) {
    let sealed = kms.seal("1750000000000", b"private key").await.unwrap();
    assert!(!sealed.windows(11).any(|window| window == b"private key"));
    assert_eq!(kms.unseal("1750000000000", &sealed).await.unwrap().as_slice(), b"private key");
    assert!(kms.unseal("1750000000001", &sealed).await.is_err(), "sealed for another item");
    let mut changed = sealed.clone();
    *changed.last_mut().unwrap() ^= 1;
    assert!(kms.unseal("1750000000000", &changed).await.is_err(), "changed");
    assert!(kms.unseal("1750000000000", b"").await.is_err(), "empty");
}

#[tokio::test]
async fn the_local_kms_seals() {
    let service = Service::start().await;
    seals_and_unseals(&Kms::new(service.running.config.aws.kms(), "jea-auth")).await;
}
#[tokio::test]
async fn moto_s_kms_seals_and_serves_a_log_on() {
    if !has("python3", &["-c", "import moto.server, flask"]) {
        return;
    }
    let moto = Moto::start().await;
    let service = Service::start().await;
    let mut config = service.config();
    config.aws.kms_endpoint = Some(moto.url.clone());
    config.stack = "moto-stack".to_owned();
    let client = config.aws.kms();
    let key = client.create_key().send().await.unwrap().key_metadata.unwrap().key_id;
    client.create_alias().alias_name("alias/moto-stack").target_key_id(key).send().await.unwrap();
    seals_and_unseals(&Kms::new(config.aws.kms(), &config.stack)).await;

    let store = jea_auth::platform::store::Store::new(config.aws.dynamodb(), &config.stack);
    store.create_tables().await.unwrap();
    Stack::of(&config).rotation().make_due(machine::now(), &machine::random()).await.unwrap().unwrap();
    let answer = app::logon(&config, machine::system_clock()).handle(&log_on_event(EMAIL, PASSWORD).event()).await;
    assert_eq!(answer.status.as_u16(), 401, "no such account there, and keys that open: {}", answer.body);
}

#[tokio::test]
async fn a_third_party_verifies_our_tokens_from_the_public_keys() {
    if !has("python3", &["-c", "import jwt, cryptography; jwt.PyJWKClient"]) {
        return;
    }
    let service = Service::start().await;
    for algorithm in ["ES256", "RS256"] {
        if algorithm == "RS256" {
            service.advance(Duration::from_secs(1));
            rotation(&service)
                .make_now(service.now(), &machine::random(), Some(Algorithm::Rs256), PUBLISHED_AHEAD_MIN)
                .await
                .unwrap()
                .unwrap();
            service.advance(PUBLISHED_AHEAD_MIN + Duration::from_secs(1));
        }
        let token = service.new_token().await;
        let script = format!(
            r"
import json, jwt, urllib.request
base = '{url}'
discovery = json.load(urllib.request.urlopen(base + '/.well-known/openid-configuration'))
key = jwt.PyJWKClient(discovery['jwks_uri']).get_signing_key_from_jwt('{token}')
claims = jwt.decode('{token}', key.key, algorithms=['{algorithm}'], audience=base, issuer=discovery['issuer'], leeway=3600)
print(claims['iss'])
",
            url = service.running.config.site.issuer.as_str()
        );
        let output = tokio::process::Command::new("python3").args(["-c", &script]).output().await.unwrap();
        let printed = String::from_utf8_lossy(&output.stdout);
        assert_eq!(
            printed.trim(),
            service.running.config.site.issuer.as_str(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

/// A function that has just started gets 200 tokens a second whose key ids somebody invented. Time is simulated.
// Checks 25, 64.
#[tokio::test(flavor = "multi_thread")]
async fn invented_key_ids_keep_nobody_out_and_cost_next_to_nothing() {
    let service = Service::start().await;
    let (wire, mut config) = (Wire::default(), service.config());
    config.aws.dynamodb_endpoint = Some(wire.proxy(&service.running.dynamodb_url).await);
    let function = app::authorizer(&config, service.clock());
    let ask =
        async |token: &str| effect(&function.handle(&authorization().bearer(token).event()).await.unwrap()) == "Allow";
    let with_kid = |token: &str, kid: usize| {
        use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
        let header = format!(r#"{{"typ":"JWT","alg":"ES256","kid":"{kid}"}}"#);
        format!("{}.{}", URL_SAFE_NO_PAD.encode(header), token.split_once('.').unwrap().1)
    };
    let token = service.new_token().await;
    let mut invented = 0;
    let mut flood = async |seconds: u64| {
        for _ in 0..seconds * 200 {
            invented += 1;
            assert!(!ask(&with_kid(&token, 1_000_000 + invented)).await);
            service.advance(Duration::from_millis(5));
        }
    };
    flood(1).await;
    assert!(ask(&token).await, "at the first try");
    flood(15).await;
    let rotation = rotation(&service);
    rotation.revoke(rotation.stored().await.unwrap().keys[0].jwk.key_id()).await.unwrap();
    rotation.make_due(service.now(), &machine::random()).await.unwrap().unwrap();
    // The service's own log-on function reads the keys again.
    let fresh = app::logon(&config, service.clock()).handle(&log_on_event(EMAIL, PASSWORD).event()).await;
    let cookie = fresh.headers.get("set-cookie").unwrap().to_str().unwrap();
    let newer = cookie.trim_start_matches("session_token=").split(';').next().unwrap();
    assert_ne!(kid_of(newer), kid_of(&token));
    flood(10).await;
    assert!(ask(newer).await, "a new key is met within ten seconds");
    let calls = wire.calls.lock().unwrap();
    let reads = calls.iter().filter(|(target, call)| target.ends_with(".Scan") && call["Select"].is_string()).count();
    assert!((2..=4).contains(&reads), "{reads} reads for {} invented ids", 26 * 200);
}
