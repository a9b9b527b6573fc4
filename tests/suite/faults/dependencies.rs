//! What happens when something that the service depends on fails: a call is delayed, cut, failed, throttled, denied or
//! garbled.

use std::time::Duration;

use jea_auth::{
    functions::{
        app::{self, Stack},
        logon::Answer,
    },
    platform::{
        aws::Limits,
        machine,
        store::{Added, Store},
    },
    service::administration::Administration,
    web::event::Event,
};
use tracing::instrument::WithSubscriber;

use crate::support::{
    event::{authorization, event, log_on_event},
    log::Log,
    program::Operator,
    proxy::{FAULTS, Fault, Rule, Wire},
    service::{EMAIL, PASSWORD, Service, context_of},
};

/// A service whose functions reach everything by the proxy.
struct Faulty {
    service: Service,
    wire: Wire,
    dynamodb: String,
    kms: String,
}

impl Faulty {
    async fn start() -> Self {
        let service = Service::start().await;
        let wire = Wire::default();
        let dynamodb = wire.proxy(&service.running.dynamodb_url).await;
        let kms = wire.proxy(&service.running.kms_url).await;
        Self { service, wire, dynamodb, kms }
    }

    fn config(&self) -> jea_auth::functions::config::Config {
        let mut config = self.service.config();
        config.aws.dynamodb_endpoint = Some(self.dynamodb.clone());
        config.aws.kms_endpoint = Some(self.kms.clone());
        config.aws.limits = self.wire.limits();
        config
    }

    /// One event through a fresh log-on function while one call fails, with what was logged.
    async fn handle(&self, event: &Event, rule: Rule) -> (Answer, String) {
        self.wire.fail(rule.0, rule.1, rule.2);
        let function = app::logon(&self.config(), self.service.clock());
        let log = Log::default();
        let answer = function.handle(event).with_subscriber(log.subscriber()).await;
        self.assert_soon(rule);
        *self.wire.rule.lock().unwrap() = None;
        (answer, log.text())
    }

    /// What failed is over within 3 s: by the limit of one operation of the SDK and how many there were, since a clock would
    /// count what else this machine does.
    fn assert_soon(&self, rule: Rule) {
        let operations = u32::try_from(self.wire.operations()).unwrap();
        assert!(Limits::FUNCTION.operation * operations <= Duration::from_secs(3), "{rule:?}: {operations} operations");
    }

    /// The answer to a call that fails must be 503 soon, without a cookie, and tell the log why, once.
    async fn assert_unavailable(&self, event: &Event, rule: Rule) {
        let (answer, log) = self.handle(event, rule).await;
        assert_eq!(answer.status.as_u16(), 503, "{rule:?}: {}", answer.body);
        assert!(answer.headers.contains_key("retry-after") && !answer.headers.contains_key("set-cookie"), "{rule:?}");
        let errors: Vec<&str> = log.lines().filter(|line| line.contains("ERROR jea_auth")).collect();
        assert_eq!(errors.len(), 1, "{rule:?}: {log}");
        assert!(rule.2 != Fault::Denied || errors[0].contains("AccessDeniedException"), "it says why: {log}");
        for secret in [EMAIL, PASSWORD] {
            assert!(!log.contains(secret), "{log}");
        }
    }
}

fn log_on() -> Event {
    log_on_event(EMAIL, PASSWORD).event()
}

// Checks 18, 46, 52.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_on_that_cannot_read_count_commit_or_unseal_is_503_and_leaves_nothing_behind() {
    let faulty = Faulty::start().await;
    for fault in FAULTS {
        for (call, holds) in [("GetItem", "-accounts"), ("Scan", "-signing-keys"), ("Decrypt", "")] {
            // Three bytes are no private key, and as a service secret they would do: the sealed key is what fails.
            faulty.assert_unavailable(&log_on(), (call, holds, fault)).await;
        }
        if fault != Fault::Malformed {
            faulty.assert_unavailable(&log_on(), ("UpdateItem", "\"account:", fault)).await;
            faulty.assert_unavailable(&log_on(), ("PutItem", "-sessions", fault)).await;
        }
        assert!(faulty.service.sessions(EMAIL).await.is_empty(), "{fault:?}");
        faulty.service.advance(Duration::from_mins(10));
    }
    let (answer, _) = faulty.handle(&log_on(), ("Nothing", "", Fault::Denied)).await;
    assert_eq!(answer.status.as_u16(), 200, "and all is well afterwards");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_meets_another_is_tried_again() {
    let faulty = Faulty::start().await;
    let (answer, log) = faulty.handle(&log_on(), ("PutItem", "-sessions", Fault::Cancelled(""))).await;
    assert_eq!(answer.status.as_u16(), 200, "{log}");
    assert!(!log.contains("ERROR"), "{log}");
    let store = Store::new(faulty.config().aws.dynamodb(), &faulty.config().stack);
    let email = jea_auth::domain::account::Email::parse(EMAIL).unwrap();
    let fails_once =
        |call, holds, code| *faulty.wire.rule.lock().unwrap() = Some((call, holds, Fault::Cancelled(code)));
    fails_once("UpdateItem", "-accounts", "");
    let operator = Administration { store: store.clone(), clock: faulty.service.clock() };
    let ended = operator.end_sessions(&email).await.unwrap().unwrap();
    fails_once("DeleteItem", "-accounts", "");
    assert!(store.remove_account(email.as_str()).await.unwrap());
    fails_once("TransactWriteItems", "-accounts", "TransactionConflict");
    assert_eq!(store.add_accounts(&[ended]).await.unwrap(), [Added::Added]);
    assert!(faulty.wire.rule.lock().unwrap().is_none(), "it has failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_cannot_be_stored_is_not_taken_for_another_rotator_s() {
    let faulty = Faulty::start().await;
    let (config, now) = (faulty.config(), faulty.service.now().plus(jea_auth::domain::signing_key::SIGNS));
    let made = async |code| {
        *faulty.wire.rule.lock().unwrap() = Some(("TransactWriteItems", "-signing-keys", Fault::Cancelled(code)));
        Stack::of(&config).rotation().make_due(now, &machine::random()).await
    };
    assert_eq!(made("TransactionConflict").await.unwrap(), None);
    assert!(made("ThrottlingError").await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_that_leaves_no_key_to_sign_says_so() {
    let faulty = Faulty::start().await;
    let key = faulty.service.store().signing_keys().await.unwrap().keys.remove(0);
    *faulty.wire.rule.lock().unwrap() =
        Some(("TransactWriteItems", "-signing-keys", Fault::Cancelled("TransactionConflict")));
    let operator = Operator::at(&faulty.dynamodb, &faulty.kms);
    let revoked = operator.run(&["key", "revoke", key.jwk.key_id().as_str(), "--yes"], "");
    assert_eq!(revoked.status.code(), Some(1));
    let told = String::from_utf8(revoked.stderr).unwrap();
    assert!(told.contains("no key signs now") && told.contains("jea-auth key rotate"), "{told}");
}

// Check 18.
#[tokio::test(flavor = "multi_thread")]
async fn addresses_are_counted_by_the_instance_when_the_store_cannot() {
    let faulty = Faulty::start().await;
    for fault in [Fault::InternalError, Fault::Throttled, Fault::Denied] {
        let (answer, log) = faulty.handle(&log_on(), ("UpdateItem", "\"address:", fault)).await;
        assert_eq!(answer.status.as_u16(), 200, "{fault:?}: {}", answer.body);
        assert_eq!(log.matches("ERROR jea_auth").count(), 1, "{log}");
    }
    // With the account's bucket out of the way, the local limiter is what stops one address.
    let mut config = faulty.config();
    config.paces.address.burst = 3;
    let function = app::logon(&config, faulty.service.clock());
    *faulty.wire.rule.lock().unwrap() = Some(("UpdateItem", "\"address:", Fault::Denied));
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(function.handle(&log_on()).await.status.as_u16());
    }
    assert_eq!(statuses, [200, 200, 200, 429, 429]);
}

// Check 52.
#[tokio::test(flavor = "multi_thread")]
async fn operations_on_a_session_are_503_when_the_store_fails() {
    let faulty = Faulty::start().await;
    let session = faulty.service.new_token().await;
    let operation = |method: &str, path: &str| event(method, path).by(&context_of(&session)).event();
    for fault in FAULTS {
        let user = operation("GET", "/users/api/user");
        faulty.assert_unavailable(&user, ("BatchGetItem", "-accounts", fault)).await;
        if fault != Fault::Malformed {
            let (check_in, log_off) = (operation("POST", "/users/api/checkin"), operation("POST", "/users/api/logout"));
            faulty.assert_unavailable(&check_in, ("BatchGetItem", "-accounts", fault)).await;
            faulty.assert_unavailable(&check_in, ("UpdateItem", "-sessions", fault)).await;
            faulty.assert_unavailable(&log_off, ("DeleteItem", "-sessions", fault)).await;
        }
        let jwks = operation("GET", "/.well-known/jwks.json");
        faulty.assert_unavailable(&jwks, ("Scan", "-signing-keys", fault)).await;
    }
}

// Check 54.
#[tokio::test(flavor = "multi_thread")]
async fn the_authorizer_needs_sessions_keys_and_accounts_and_nothing_else() {
    let faulty = Faulty::start().await;
    let token = faulty.service.new_token().await;
    let event = authorization().bearer(&token).event();
    let decide = async |rule: Rule| {
        faulty.wire.fail(rule.0, rule.1, rule.2);
        let mut config = faulty.config();
        config.aws.kms_endpoint = Some("http://127.0.0.1:1".to_owned());
        let function = app::authorizer(&config, faulty.service.clock());
        let verdict = function.handle(&event).await;
        faulty.assert_soon(rule);
        verdict.ok().map(|policy| policy["policyDocument"]["Statement"][0]["Effect"].clone())
    };
    for fault in FAULTS {
        assert_eq!(decide(("UpdateItem", "-attempts", fault)).await, Some("Allow".into()));
        for table in ["-sessions", "-accounts"] {
            assert_eq!(
                decide(("GetItem", table, fault)).await,
                None,
                "{fault:?}: no verdict, which the gateway makes 503"
            );
        }
        // Keys that are malformed are none: what was signed with them is refused.
        let without_keys = (fault == Fault::Malformed).then(|| "Deny".into());
        assert_eq!(decide(("Scan", "-signing-keys", fault)).await, without_keys, "{fault:?}");
    }
}

#[tokio::test]
async fn a_database_that_is_no_dynamodb_is_told_from_one_that_is_busy() {
    let faulty = Faulty::start().await;
    let event = log_on_event(EMAIL, "wrong").event();
    let rule = ("UpdateItem", "attribute_not_exists(tat)", Fault::WithoutItem);
    let (first, _) = faulty.handle(&event, rule).await;
    assert_eq!(first.status.as_u16(), 401, "no condition fails on a new bucket");
    let (second, log) = faulty.handle(&event, rule).await;
    assert_eq!(second.status.as_u16(), 503, "{}", second.body);
    assert!(log.contains("gave back no item with a condition that failed") && !log.contains("overtaken"), "{log}");
}
