//! What an owner ends races with what begins at the same moment: nothing that has ended goes on.

use std::{sync::Arc, time::Duration};

use jea_auth::{
    domain::{
        account::{Account, Email, Name},
        ids::AccountId,
        session::By,
    },
    platform::{machine, store::Added},
};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::support::{
    imports::imported_hash,
    service::{NEW_PASSWORD, Service, client, token_of},
};

const ROUNDS: usize = 200;
const PASSWORD: &str = "an imported password";

/// One account with an owner who is logged on, another session, an access key, and a session of the key.
struct Owner {
    service: Arc<Service>,
    email: String,
    own: String,
    other: String,
    key: Value,
    by_key: String,
}

impl Owner {
    async fn new(service: &Arc<Service>, number: usize) -> Self {
        let email = format!("owner-{number}@jeplus.org");
        let (name, sub) = (Name::parse("Yi").unwrap(), AccountId::new(&machine::random()));
        let mut account = Account::new(&email, name, sub, service.now()).unwrap();
        account.password_hash = Some(imported_hash());
        assert_eq!(service.store().add_account(&account).await.unwrap(), Added::Added);
        let mut owner = Self {
            service: Arc::clone(service),
            email,

            own: String::new(),
            other: String::new(),
            key: Value::Null,
            by_key: String::new(),
        };
        owner.own = token_of(&owner.log_on(PASSWORD).await);
        owner.other = token_of(&owner.log_on(PASSWORD).await);
        let made: Value =
            owner.ask(&owner.own, Method::POST, "keys", json!({"name": "key"})).await.json().await.unwrap();
        owner.key = made["data"].clone();
        owner.by_key = token_of(&owner.log_on(owner.key["key"].as_str().unwrap()).await);
        owner
    }

    async fn log_on(&self, secret: &str) -> Response {
        let url = format!("{}/users/api/auth", self.service.running.url);
        let credential = json!({"email": self.email, "password": secret});
        client().post(url).json(&credential).send().await.unwrap()
    }

    async fn ask(&self, token: &str, method: Method, path: &str, body: Value) -> Response {
        crate::support::owner::bearer(&self.service, method, path, token).json(&body).send().await.unwrap()
    }

    async fn sessions(&self) -> Vec<jea_auth::domain::session::Session> {
        self.service.sessions(&self.email).await
    }

    /// Whether a token still passes; if it does, its session is there.
    async fn passes(&self, token: &str) -> bool {
        self.service.user_with(token).await == StatusCode::OK
    }
}

type Asked<'a> = std::pin::Pin<Box<dyn Future<Output = Response> + 'a>>;

/// What came of the requests that raced in one round.
struct Raced {
    owner: Arc<Owner>,
    by_password: Response,
    by_key: Response,
    check_in: Response,
    confirm: Response,
    check_in_by_key: Response,
    end_status: StatusCode,
    /// The owner's token after the end: the one that asked, or the new one that it was answered with.
    own: String,
}

/// Runs the rounds. In each the owner ends something, and a log-on by password, one by key, a check-in and a confirmation of
/// another session, and a check-in of the key's session begin at another moment: from well before it to when it is done.
async fn race(end: impl Fn(&Owner) -> (Method, String, Value), check: impl AsyncFn(&Raced) -> [bool; 3]) {
    let service = Arc::new(Service::start().await);
    let mut first = [0; 3];
    // How long the owner's request takes, and a log-on by key.
    let mut typical = [Duration::from_millis(20); 2];
    for number in 0..ROUNDS {
        let owner = Arc::new(Owner::new(&service, number).await);
        let (method, path, body) = end(&owner);
        // From minus one, where the owner comes last, to one.
        let moment = f64::from(i16::try_from(number % 41).unwrap() - 20) / 20.0;
        let (lead, wait) = (typical[1].mul_f64((-moment).max(0.0) * 1.5), typical[0].mul_f64(moment.max(0.0)));
        let ending = {
            let owner = Arc::clone(&owner);
            tokio::spawn(async move {
                tokio::time::sleep(lead).await;
                let begun = std::time::Instant::now();
                (owner.ask(&owner.own, method, &path, body).await, begun.elapsed())
            })
        };
        let key = owner.key["key"].as_str().unwrap();
        let credential = json!({"email": owner.email, "password": PASSWORD});
        let begun = std::time::Instant::now();
        let later = async |asks: Asked<'_>| {
            tokio::time::sleep(wait).await;
            asks.await
        };
        let (by_password, (by_key, time_by_key), check_in, confirm, check_in_by_key) = tokio::join!(
            later(Box::pin(owner.log_on(PASSWORD))),
            async {
                let answer = later(Box::pin(owner.log_on(key))).await;
                (answer, begun.elapsed().saturating_sub(wait))
            },
            later(Box::pin(owner.ask(&owner.other, Method::POST, "checkin", Value::Null))),
            later(Box::pin(owner.ask(&owner.other, Method::POST, "confirm", credential))),
            later(Box::pin(owner.ask(&owner.by_key, Method::POST, "checkin", Value::Null))),
        );
        let (end, time) = ending.await.unwrap();
        let end_status = end.status();
        for (typical, time) in typical.iter_mut().zip([time, time_by_key]) {
            *typical = (*typical * 3 + time.min(Duration::from_millis(500))) / 4;
        }
        // The operations are asked by bearer, so a new token comes in the body.
        let own = end.json::<Value>().await.unwrap()["jwt"].as_str().map_or(owner.own.clone(), str::to_owned);
        let raced = Raced {
            by_password,
            by_key,
            check_in,
            confirm,
            check_in_by_key,
            end_status,
            own,
            owner: Arc::clone(&owner),
        };
        for (count, came_first) in first.iter_mut().zip(check(&raced).await) {
            *count += usize::from(came_first);
        }
        // The throttle of the address is not what is tested here.
        service.advance(Duration::from_secs(10));
    }
    for count in first {
        assert!((1..ROUNDS).contains(&count), "both orders were seen: {first:?} of {ROUNDS} came before the end");
    }
}

/// After the end of all other sessions: only the owner's and those that began after it are alive, and each token that was given
/// passes if its session is one of these.
async fn only_later_sessions_are_left(raced: &Raced) {
    let owner = &raced.owner;
    let left = owner.sessions().await;
    assert!(owner.passes(&raced.own).await, "the owner goes on");
    for token in [&owner.other, &owner.by_key] {
        assert!(!owner.passes(token).await);
    }
    for answer in [&raced.by_password, &raced.by_key] {
        if answer.status() == StatusCode::OK {
            let token = token_of(answer);
            let sid = crate::support::service::claims_of(&token)["sid"].clone();
            let is_left = left.iter().any(|session| session.sid.as_str() == sid);
            assert_eq!(owner.passes(&token).await, is_left);
        }
    }
    for answer in [&raced.check_in, &raced.confirm, &raced.check_in_by_key] {
        assert!(matches!(answer.status().as_u16(), 200 | 401 | 403), "{}", answer.status());
    }
}

// Check 42.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_its_owner_changes_leaves_no_session_of_the_old_one() {
    let body = json!({"password": PASSWORD, "new_password": NEW_PASSWORD});
    race(
        |_| (Method::POST, "password".to_owned(), body.clone()),
        async |raced| {
            assert_eq!(raced.end_status, StatusCode::OK);
            only_later_sessions_are_left(raced).await;
            let left = raced.owner.sessions().await;
            let by_password = left.iter().filter(|session| session.by == By::Password).count();
            assert_eq!(by_password, 1, "nobody logs on with the old password: {left:?}");
            let ok = |answer: &Response| answer.status() == StatusCode::OK;
            [ok(&raced.by_password), ok(&raced.check_in), ok(&raced.confirm)]
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ending_all_other_sessions_leaves_none_that_was_there_before() {
    race(
        |_| (Method::DELETE, "sessions".to_owned(), Value::Null),
        async |raced| {
            assert_eq!(raced.end_status, StatusCode::OK);
            only_later_sessions_are_left(raced).await;
            let left = raced.owner.sessions().await.len();
            assert!((1..=3).contains(&left), "{left}");
            let ok = |answer: &Response| answer.status() == StatusCode::OK;
            [left == 1, ok(&raced.check_in), ok(&raced.check_in_by_key)]
        },
    )
    .await;
}

// Check 75.
#[tokio::test(flavor = "multi_thread")]
async fn ending_a_key_leaves_no_session_that_it_opened_and_all_others() {
    race(
        |owner| (Method::DELETE, format!("keys/{}", owner.key["id"].as_str().unwrap()), Value::Null),
        async |raced| {
            assert_eq!(raced.end_status, StatusCode::OK);
            let owner = &raced.owner;
            let left = owner.sessions().await;
            assert!(left.iter().all(|session| session.by == By::Password), "{left:?}");
            assert!(!owner.passes(&owner.by_key).await);
            if raced.by_key.status() == StatusCode::OK {
                assert!(!owner.passes(&token_of(&raced.by_key)).await);
            }
            for answer in [&raced.by_password, &raced.check_in, &raced.confirm] {
                assert_eq!(answer.status(), StatusCode::OK, "{}", answer.url());
            }
            assert!(owner.passes(&owner.own).await && owner.passes(&owner.other).await);
            assert!(owner.service.store().account(&Email::canonical(&owner.email)).await.unwrap().is_some());
            let ok = |answer: &Response| answer.status() == StatusCode::OK;
            [ok(&raced.by_key), ok(&raced.check_in_by_key), ok(&raced.by_key)]
        },
    )
    .await;
}
