//! The whole stack on one machine: an embedded DynamoDB, the operations of KMS and SES that are used, and a gateway
//! of the template's routes, events and refusals, on loopback alone. docs/local-gateway.md lists what it does not do.

mod address;
mod backend;
mod database;
mod demo;
mod door;
mod event;
mod folder;
mod gateway;
mod kms;
mod mail;
mod policy;
mod server;

use std::{
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::http::Uri;
use lambda_http::http::StatusCode;
use tokio::{
    sync::watch,
    task::{JoinError, JoinSet},
};

pub use self::demo::{DEMO_EMAIL, DEMO_PASSWORD};
use self::{
    address::{beside, listen, localhost, url_of},
    demo::demo_account,
    door::Door,
    gateway::Gateway,
    mail::Mailbox,
    server::{serve, until},
};
use crate::{
    causes::Causes,
    domain::{
        account::{InvalidEmail, InvalidLabel},
        password::UnusableHash,
        time::Clock,
    },
    functions::{
        app::{self, Stack},
        config::{BadConfig, Config},
        logon::TokenDelivery,
    },
    platform::{
        aws::{Aws, Limits, StaticCredentials},
        journal::Journal,
        machine,
        store::StoreError,
    },
    service::{
        keyring::KeyringError,
        rotation::{Rotation, RotationError},
    },
};

/// How often keys are looked after and what has expired is removed.
const UPKEEP: Duration = Duration::from_hours(1);
/// How long requests may take to finish at a stop.
pub const GRACE: Duration = Duration::from_secs(3);
/// How long a client may take for the head of a request, for its body, and until it takes more of an answer.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// How to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the gateway listens.
    pub listen: SocketAddr,
    /// Where DynamoDB listens.
    pub dynamodb: SocketAddr,
    /// The URL of a DynamoDB that runs already and takes the place of the embedded one.
    pub other_dynamodb: Option<String>,
    /// Where KMS listens.
    pub kms: SocketAddr,
    /// The folder that keeps the data; memory alone if there is none.
    pub data: Option<PathBuf>,
    /// The API behind the authorizer.
    pub backend: Option<Uri>,
    /// Origins of browser apps that may use the service.
    pub allowed_origins: Vec<String>,
    /// How tokens get to the client.
    pub delivery: TokenDelivery,
    /// The status of a failed log-on.
    pub failed_logon_status: StatusCode,
    /// How long a client may take for the head of a request, for its body, and until it takes more of an answer.
    pub patience: Duration,
    /// Whether mails are sent, into files.
    pub mail: bool,
    /// Whether there are pages.
    pub pages: bool,
    /// Whether there are passkeys, where the service has a name. Browsers make none for an address.
    pub passkeys: bool,
    /// Whose accounts must have a second factor: `off`, `all`, or the name of a role.
    pub require_factor: String,
}

impl Options {
    /// Everything in memory, on ports that are free, and as a new deployment answers.
    #[must_use]
    pub fn in_memory() -> Self {
        let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            listen: any_port,
            dynamodb: any_port,
            other_dynamodb: None,
            kms: any_port,
            data: None,
            backend: None,
            allowed_origins: Vec::new(),
            delivery: TokenDelivery::Cookie,
            failed_logon_status: StatusCode::UNAUTHORIZED,
            patience: PATIENCE,
            mail: false,
            pages: false,
            passkeys: false,
            require_factor: "off".to_owned(),
        }
    }
}

/// A stack that runs.
pub struct Running {
    /// The base URL of the service, by the address where it listens. Its name is the issuer of [`Self::config`].
    pub url: String,
    /// The URL of DynamoDB.
    pub dynamodb_url: String,
    /// The URL of KMS.
    pub kms_url: String,
    /// Its configuration: what the Lambda functions would have in their environment.
    pub config: Config,
    /// Whether the demo account is there.
    pub has_demo: bool,
    /// All mails since the start, as they would be sent (RFC 5322).
    pub mails: Arc<Mutex<Vec<Vec<u8>>>>,
    gateway: Stage,
    services: Stage,
}

/// What stops together.
#[derive(Default)]
struct Stage {
    stop: watch::Sender<bool>,
    tasks: JoinSet<Result<(), String>>,
}

impl Stage {
    async fn stop(&mut self) {
        self.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
    }
}

/// The stack could not be started, or broke down.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// Something else listens there, or nobody may.
    #[error("cannot listen on {address}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Which option chooses another address.
        option: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// The data folder cannot be used.
    #[error("cannot use the data folder {}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The key of the embedded KMS is no key.
    #[error("{} has {length} bytes; a key has {}", file.display(), kms::KEY_BYTES)]
    SealingKey {
        /// The file.
        file: PathBuf,
        /// How long it is.
        length: usize,
    },
    /// The embedded database cannot be opened.
    #[error("cannot open the embedded database: {0}")]
    Database(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Keys could not be made or unsealed.
    #[error("the signing keys cannot be used; if kms.key is not the one they were sealed with, bring it back")]
    Keys(#[from] KeyringError),
    /// Keys could not be made.
    #[error("the signing keys cannot be made")]
    Rotation(#[from] RotationError),
    /// The demo account could not be made.
    #[error("cannot hash the demo account's password")]
    Hash(#[from] UnusableHash),
    /// The demo account could not be made.
    #[error("the demo account's email is refused")]
    Email(#[from] InvalidEmail),
    /// The demo account could not be made.
    #[error("the demo account's name is refused")]
    Name(#[from] InvalidLabel),
    /// An option is no value of the variable that it stands for.
    #[error(transparent)]
    Config(#[from] BadConfig),
    /// A server broke down.
    #[error("a server broke down: {0}")]
    Broken(String),
    /// A task broke down.
    #[error("a task broke down")]
    Task(#[from] JoinError),
}

/// Starts everything, and returns when requests can come.
///
/// # Errors
/// [`LocalError`]; then nothing runs.
pub async fn start(options: &Options, clock: Clock) -> Result<Running, LocalError> {
    let gateway_listener = listen(options.listen, "--listen").await?;
    let dynamodb_listener = listen(options.dynamodb, "--dynamodb").await?;
    let kms_listener = listen(options.kms, "--kms").await?;
    let beside = beside(&gateway_listener, options.listen).await?;
    let url = url_of(&gateway_listener, options.listen);
    let issuer = localhost(&gateway_listener, options.listen).unwrap_or_else(|| url.clone());
    let embedded_url = url_of(&dynamodb_listener, options.dynamodb);
    let dynamodb_url = options.other_dynamodb.clone().unwrap_or(embedded_url);
    let kms_url = url_of(&kms_listener, options.kms);

    let database = database::open(options.data.as_deref())?;
    let sealing_key = kms::SealingKey::load(options.data.as_deref())?;
    let (mut gateway, mut services) = (Stage::default(), Stage::default());
    let mails = Arc::<Mutex<Vec<Vec<u8>>>>::default();
    let folder = options.data.as_ref().map(|folder| folder.join("mail"));
    let mailbox = Mailbox { folder, mails: Arc::clone(&mails), clock: Arc::clone(&clock) };
    let kms_and_ses = kms::router(sealing_key).merge(mail::router(mailbox));
    for (listener, router) in [(dynamodb_listener, database::router(database.clone())), (kms_listener, kms_and_ses)] {
        services.tasks.spawn(serve(listener, Door::of_a_service(options.patience), router, services.stop.subscribe()));
    }

    let config = config(options, &issuer, Endpoints { dynamodb: dynamodb_url.clone(), kms: kms_url.clone() })?;
    let stack = Stack::of(&config);
    let rotation = stack.rotation();
    stack.store.create_tables().await?;
    rotation.make_due(clock(), &machine::random()).await?;
    stack.keyring().unsealed(clock()).await?;
    let has_demo = demo_account(&stack.store, &clock).await?;

    if let Some(mailer) = app::mailer(&config, Arc::clone(&clock)) {
        let table = format!("{}-outbox", config.stack);
        let position = options.data.as_ref().map(|folder| folder.join("mail-position"));
        services.tasks.spawn(mail::pump(database.clone(), table, mailer, position, services.stop.subscribe()));
    }
    services.tasks.spawn(upkeep(rotation, database, Arc::clone(&clock), services.stop.subscribe()));
    let router = gateway::router(Gateway {
        logon: app::logon(&config, Arc::clone(&clock)),
        authorizer: app::authorizer(&config, Arc::clone(&clock)),
        backend: options.backend.clone().map(backend::Backend::new),
        readable_by: match options.allowed_origins.as_slice() {
            [origin] => Some(origin.clone()),
            _ => None,
        },
    });
    for listener in [Some(gateway_listener), beside].into_iter().flatten() {
        let door = Door::of_the_gateway(options.patience);
        gateway.tasks.spawn(serve(listener, door, router.clone(), gateway.stop.subscribe()));
    }
    Ok(Running { url, dynamodb_url, kms_url, config, has_demo, mails, gateway, services })
}

impl Running {
    /// Waits until a part breaks down.
    ///
    /// # Errors
    /// [`LocalError::Broken`] or [`LocalError::Task`], with what broke.
    pub async fn broken(&mut self) -> Result<(), LocalError> {
        let ended = tokio::select! {
            ended = self.gateway.tasks.join_next() => ended,
            ended = self.services.tasks.join_next() => ended,
        };
        match ended {
            Some(ended) => ended?.map_err(LocalError::Broken),
            None => Ok(()),
        }
    }

    /// Stops everything, once the requests that run have been answered or their time is over: the gateway first, whose
    /// requests need the others.
    pub async fn stop(mut self) {
        let stages = async {
            self.gateway.stop().await;
            self.services.stop().await;
        };
        // When the grace is over, what still runs is dropped.
        let _ = tokio::time::timeout(GRACE, stages).await;
    }
}

async fn upkeep(
    rotation: Rotation,
    database: dynoxide::Database,
    clock: Clock,
    stopped: watch::Receiver<bool>,
) -> Result<(), String> {
    loop {
        tokio::select! {
            () = until(stopped.clone()) => return Ok(()),
            () = tokio::time::sleep(UPKEEP) => {}
        }
        if let Err(error) = rotation.make_due(clock(), &machine::random()).await {
            tracing::error!(error = %Causes(&error), "keys not looked after");
        }
        if let Err(error) = database.sweep_ttl() {
            tracing::error!(error = %Causes(&error), "expired items not removed");
        }
    }
}

/// What the functions would have in their environment, with the defaults that a deployment has.
fn config(options: &Options, issuer: &str, endpoints: Endpoints) -> Result<Config, BadConfig> {
    let has_passkeys = options.passkeys && issuer.starts_with("http://localhost:");
    let variables = [
        ("ISSUER", issuer.to_owned()),
        ("TOKEN_DELIVERY", options.delivery.name().to_owned()),
        ("FAILED_LOGON_STATUS", options.failed_logon_status.as_str().to_owned()),
        ("ALLOWED_ORIGINS", options.allowed_origins.join(",")),
        ("REQUIRE_FACTOR", options.require_factor.clone()),
        ("PASSKEYS", if has_passkeys { "on" } else { "off" }.to_owned()),
        ("AWS_REGION", REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID", CREDENTIALS.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", CREDENTIALS.to_owned()),
        ("AWS_ENDPOINT_URL_DYNAMODB", endpoints.dynamodb),
        ("AWS_ENDPOINT_URL_SESV2", endpoints.kms.clone()),
        ("AWS_ENDPOINT_URL_KMS", endpoints.kms),
        ("PAGES", if options.pages { "on" } else { "off" }.to_owned()),
        // Another database has no stream that is read here.
        ("MAIL_FROM", if options.mail && options.other_dynamodb.is_none() { MAIL_FROM } else { "" }.to_owned()),
    ];
    let read = |name: &str| variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| value.clone());
    let mut config = Config { journal: Journal::Log, ..Config::from(read)? };
    // This machine may be busy with something else, and a function's limits would be over.
    config.aws.limits = Limits::PERSON;
    Ok(config)
}

/// URLs of the embedded services.
pub struct Endpoints {
    /// Of DynamoDB.
    pub dynamodb: String,
    /// Of KMS, and of SES.
    pub kms: String,
}

/// Where mails say that they come from.
const MAIL_FROM: &str = "jea-auth@localhost";
const REGION: &str = "us-east-1";
/// The embedded services want credentials, and take any.
const CREDENTIALS: &str = "local";

/// How to reach the embedded services.
#[must_use]
pub fn aws(endpoints: Endpoints) -> Aws {
    Aws {
        sdk: Aws::fixed(StaticCredentials {
            region: REGION.to_owned(),
            access_key_id: CREDENTIALS.to_owned(),
            secret_access_key: CREDENTIALS.to_owned(),
            session_token: None,
        }),
        limits: Limits::PERSON,
        dynamodb_endpoint: Some(endpoints.dynamodb),
        ses_endpoint: Some(endpoints.kms.clone()),
        kms_endpoint: Some(endpoints.kms),
    }
}
