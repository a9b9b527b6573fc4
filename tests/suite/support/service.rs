//! The service under test: the whole stack in memory, with a clock that the test sets.

use std::{
    process::{Child, Command, Stdio},
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use jea_auth::{
    api::{self, Asked, Features, Operation},
    domain::{
        account::{Account, Email, Name, Status},
        ids::AccountId,
        password::{Hasher, Password, PasswordHash},
        session::Session,
        time::{Clock, Timestamp},
    },
    functions::config::Config,
    local::{self, Options, Running},
    platform::{
        machine,
        store::{Added, Store},
    },
    service::administration::Administration,
};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

pub const EMAIL: &str = "yi@jeplus.org";
pub const PASSWORD: &str = "a long enough password";
pub const NEW_PASSWORD: &str = "another long enough password";

pub const NO_MATCH: &str = "No matching username and password pair was found!";
pub const STEP_UP: &str = "Confirm your password first: POST /users/api/confirm.";
pub const KEY_SESSION: &str = "An access key cannot do this. Log on with your password or a passkey.";

/// A stack that runs, with one account.
pub struct Service {
    pub running: Running,
    pub client: Client,
    millis: Arc<AtomicU64>,
    _moto: Option<Moto>,
}

/// Moto's emulation of AWS, in Python. With `TEST_DYNAMODB=moto` its DynamoDB takes the place of the embedded one.
pub struct Moto {
    pub url: String,
    server: Child,
}

impl Moto {
    pub async fn start() -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = Command::new("python3")
            .args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let moto = Self { url: format!("http://127.0.0.1:{port}"), server };
        for _ in 0..600 {
            if super::client::plain().get(&moto.url).send().await.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        moto
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }
}

/// A client that keeps cookies, as a browser does.
pub fn client() -> Client {
    super::client::builder().cookie_store(true).build().unwrap()
}

impl Service {
    pub async fn start() -> Self {
        Self::start_with(Options::in_memory()).await
    }

    pub async fn start_with(options: Options) -> Self {
        let service = Self::start_again(options).await;
        service.add_account(EMAIL, PASSWORD, Status::Active).await;
        service
    }

    /// With the data of an earlier start, which has the account already.
    pub async fn start_again(options: Options) -> Self {
        let millis = Arc::new(AtomicU64::new(machine::now().millis()));
        let moto =
            if std::env::var("TEST_DYNAMODB").as_deref() == Ok("moto") { Some(Moto::start().await) } else { None };
        let other_dynamodb = moto.as_ref().map(|moto| moto.url.clone());
        let running = local::start(&Options { other_dynamodb, ..options }, clock(&millis)).await.unwrap();
        Self { running, client: client(), millis, _moto: moto }
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.millis.load(Ordering::SeqCst))
    }

    /// A clock that tells the time of the test.
    pub fn clock(&self) -> Clock {
        clock(&self.millis)
    }

    pub fn advance(&self, by: Duration) {
        self.millis.fetch_add(u64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }

    /// What the functions would read from their environment.
    pub fn config(&self) -> Config {
        let Config { stack, aws, tokens, site, paces, require_factor, passkeys, session_memory, journal, sender } =
            &self.running.config;
        Config {
            stack: stack.clone(),
            aws: aws.clone(),
            tokens: tokens.clone(),
            site: site.clone(),
            paces: *paces,
            require_factor: require_factor.clone(),
            passkeys: passkeys.clone(),
            session_memory: *session_memory,
            journal: journal.clone(),
            sender: sender.clone(),
        }
    }

    pub fn store(&self) -> Store {
        Store::new(self.running.config.aws.dynamodb(), &self.running.config.stack)
    }

    /// What an operator does, by the clock of the test.
    pub fn administration(&self) -> Administration {
        Administration { store: self.store(), clock: self.clock() }
    }

    /// The sessions of an account that are alive, oldest first.
    pub async fn sessions(&self, email: &str) -> Vec<Session> {
        self.administration().sessions(&Email::canonical(email)).await.unwrap().unwrap().1
    }

    /// The account that is there from the start.
    pub async fn account(&self) -> Account {
        self.store().account(&Email::canonical(EMAIL)).await.unwrap().unwrap()
    }

    pub async fn add_account(&self, email: &str, password: &str, status: Status) {
        let (name, sub) = (Name::parse("Yi").unwrap(), AccountId::new(&machine::random()));
        let mut account = Account::new(email, name, sub, self.now()).unwrap();
        account.status = status;
        account.password_hash = Some(hash_of(password));
        account.profile = [("country".to_owned(), "GB".to_owned()), ("title".to_owned(), "Dr".to_owned())].into();
        assert_eq!(self.store().add_account(&account).await.unwrap(), Added::Added);
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.running.url))
    }

    pub async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }

    pub async fn post(&self, path: &str) -> Response {
        self.request(Method::POST, path).send().await.unwrap()
    }

    pub async fn log_on(&self, email: &str, password: &str) -> Response {
        let credential = json!({"email": email, "password": password});
        self.request(Method::POST, "/users/api/auth").json(&credential).send().await.unwrap()
    }

    /// Logs on with a client of its own, and gives back the token.
    pub async fn new_token(&self) -> String {
        self.new_token_with(PASSWORD).await
    }

    /// As [`Self::new_token`], with another password or an access key.
    pub async fn new_token_with(&self, password: &str) -> String {
        let credential = json!({"email": EMAIL, "password": password});
        let request = client().post(format!("{}/users/api/auth", self.running.url)).json(&credential);
        let other = request.send().await.unwrap();
        assert_eq!(other.status(), StatusCode::OK);
        token_of(&other)
    }

    pub fn credential_request(client: &Client, url: &str) -> RequestBuilder {
        client.post(format!("{url}/users/api/auth")).json(&json!({"email": EMAIL, "password": PASSWORD}))
    }

    /// Asks for the account with this token as bearer, and without a cookie.
    pub async fn user_with(&self, token: &str) -> StatusCode {
        let request = super::client::plain().get(format!("{}/users/api/user", self.running.url)).bearer_auth(token);
        request.send().await.unwrap().status()
    }
}

/// The hash of a password. That of the usual one is computed once: hundreds of services start with it.
fn hash_of(password: &str) -> PasswordHash {
    static USUAL: LazyLock<PasswordHash> = LazyLock::new(|| computed(PASSWORD));
    if password == PASSWORD { USUAL.clone() } else { computed(password) }
}

fn computed(password: &str) -> PasswordHash {
    Hasher::default().hash(&Password::new(password), machine::random()).unwrap()
}

/// What a token says.
pub fn claims_of(token: &str) -> Value {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

/// What the authorizer hands on of a session of the account that a service has from its start.
pub fn context_of(token: &str) -> Value {
    let claims = claims_of(token);
    json!({
        "sub": claims["sub"], "sid": claims["sid"], "email": EMAIL, "auth_time": claims["auth_time"].to_string(),
        "confirmed_at": claims["auth_time"].to_string(), "by": "password", "carrier": "cookie",
    })
}

fn clock(millis: &Arc<AtomicU64>) -> Clock {
    let millis = Arc::clone(millis);
    Arc::new(move || Timestamp::from_millis(millis.load(Ordering::SeqCst)))
}

/// The value of the answer's session cookie, which is the first.
pub fn token_of(response: &Response) -> String {
    let cookie = cookies_of(response).remove(0);
    cookie.split_once('=').unwrap().1.split(';').next().unwrap().to_owned()
}

pub fn cookies_of(response: &Response) -> Vec<String> {
    response.headers().get_all("set-cookie").iter().map(|value| value.to_str().unwrap().to_owned()).collect()
}

/// What a refusal must look like, whoever makes it: JSON of one sentence and, where the operation gives reasons, of one of the
/// words that the description lists.
pub async fn assert_refused(response: Response, status: u16) -> String {
    assert_eq!(response.status().as_u16(), status, "{}", response.url());
    assert_common_headers(&response);
    let path = response.url().path().to_owned();
    let is_gateways = response.headers().contains_key("www-authenticate");
    let body: Value = response.json().await.unwrap();
    let sentence = body["status"].as_str().unwrap().to_owned();
    let mut expected = json!({"ok": false, "status": sentence});
    if !is_gateways && has_reason(&path, status, &sentence) {
        assert!(reasons().contains(&body["reason"]), "{path}: {body}");
        expected["reason"] = body["reason"].clone();
    }
    assert_eq!(body, expected, "{path}");
    sentence
}

/// Whether a refusal at this path says in a word what is wrong.
fn has_reason(path: &str, status: u16, sentence: &str) -> bool {
    let asked =
        ["GET", "POST", "DELETE"].into_iter().filter_map(|method| match api::asked(method, path, Features::ALL) {
            Asked::For(route, _) => Some(route.operation),
            Asked::ByOtherMethod(_) | Asked::Nothing => None,
        });
    let asked: Vec<Operation> = asked.collect();
    let is_operation = status != 405 && sentence != "There is no such operation.";
    // These statuses are what a look at the account can get, and what no test here gets from a change of it.
    let is_look = asked.contains(&Operation::User) && [401, 503].contains(&status);
    let is_key_session = asked.contains(&Operation::Confirm) && sentence == KEY_SESSION;
    is_operation
        && !is_look
        && (is_key_session || asked.into_iter().any(|operation| !operation.route().marks.is_original))
}

/// The words that the description lists.
pub fn reasons() -> Vec<Value> {
    let description: Value = serde_json::from_str(include_str!("../../../src/functions/logon/openapi.json")).unwrap();
    description["components"]["schemas"]["Reason"]["enum"].as_array().unwrap().clone()
}

/// Headers of every answer over http.
pub fn assert_common_headers(response: &Response) {
    let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap());
    assert_eq!(header("content-type"), Some("application/json; charset=utf-8"));
    assert_eq!(header("x-content-type-options"), Some("nosniff"));
    assert_eq!(header("content-security-policy"), Some("default-src 'none'; frame-ancestors 'none'"));
    assert_eq!(header("referrer-policy"), Some("no-referrer"));
    assert_eq!(header("strict-transport-security"), None, "http is no place for HSTS");
    let is_public = response.url().path().starts_with("/.well-known/") && response.status().is_success();
    assert_eq!(header("cache-control"), Some(if is_public { "public, max-age=300" } else { "no-store" }));
}

/// Whether a program runs here. If not, it says so.
pub fn has(program: &str, arguments: &[&str]) -> bool {
    let status = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let has = status.is_ok_and(|status| status.success());
    if !has {
        skip(&format!("`{program} {}` does not run here", arguments.join(" ")));
    }
    has
}

/// Says aloud that something cannot be tested here: straight to stderr, which the test runner does not hold back.
pub fn skip(reason: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "skipped: {reason}");
}
