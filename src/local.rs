//! The whole stack on one machine: an embedded DynamoDB, the two operations of KMS, and a gateway that does what API
//! Gateway does with the template. It listens on loopback addresses only.

mod backend;
mod database;
mod event;
mod gateway;
mod kms;
mod policy;

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use axum::{Router, http::Uri};
use lambda_http::http::StatusCode;
use tokio::{
    net::TcpListener,
    sync::watch,
    task::{JoinError, JoinSet},
};
use zeroize::Zeroizing;

use crate::{
    account::{Account, Email, InvalidEmail, Status},
    app,
    aws::{Aws, Limits},
    config::{Config, DEFAULT_STACK},
    http::{Site, TokenDelivery},
    journal::Journal,
    keyring::{Keyring, KeyringError},
    kms::Kms,
    operations::id,
    origin::TrustedOrigins,
    password::{Hasher, Password, UnusableHash},
    session::Lifetimes,
    store::{Store, StoreError},
    throttle::Paces,
    time::Clock,
    token::Expected,
};

/// Email of the account that an empty store gets.
pub const DEMO_EMAIL: &str = "demo@example.org";
/// Its password. It is printed, it exists on loopback addresses only, and only where nobody has an account.
pub const DEMO_PASSWORD: &str = "one-machine-demo-only";

/// How often keys are looked after and what has expired is removed.
const UPKEEP: Duration = Duration::from_hours(1);
/// How long requests may take to finish at a stop.
const GRACE: Duration = Duration::from_secs(3);

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
        }
    }
}

/// A stack that runs.
pub struct Running {
    /// The base URL of the service.
    pub url: String,
    /// The URL of DynamoDB.
    pub dynamodb_url: String,
    /// The URL of KMS.
    pub kms_url: String,
    /// Its configuration: what the Lambda functions would have in their environment.
    pub config: Config,
    /// Whether the demo account is there.
    pub has_demo: bool,
    stop: watch::Sender<bool>,
    tasks: JoinSet<Result<(), String>>,
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
        source: std::io::Error,
    },
    /// The data folder cannot be used.
    #[error("cannot use the data folder {}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        source: std::io::Error,
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
    /// The demo account could not be made.
    #[error("cannot hash the demo account's password")]
    Hash(#[from] UnusableHash),
    /// The demo account could not be made.
    #[error("the demo account's email is refused")]
    Email(#[from] InvalidEmail),
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
    let url = url_of(&gateway_listener, options.listen);
    let embedded_url = url_of(&dynamodb_listener, options.dynamodb);
    let dynamodb_url = options.other_dynamodb.clone().unwrap_or(embedded_url);
    let kms_url = url_of(&kms_listener, options.kms);

    let database = database::open(options.data.as_deref())?;
    let sealing_key = kms::SealingKey::load(options.data.as_deref())?;
    let (stop, stopped) = watch::channel(false);
    let mut tasks = JoinSet::new();
    tasks.spawn(dynoxide::server::serve_with_shutdown(dynamodb_listener, database.clone(), until(stopped.clone())));
    tasks.spawn(serve(kms_listener, kms::router(sealing_key), until(stopped.clone())));

    let config = config(options, &url, &dynamodb_url, &kms_url);
    let store = Store::new(config.aws.dynamodb(), &config.stack);
    let keyring = Keyring::new(store.clone(), Kms::new(config.aws.kms(), &config.stack));
    store.create_tables().await?;
    keyring.make_due(clock(), &app::random()).await?;
    keyring.unsealed(clock()).await?;
    let has_demo = demo_account(&store, &clock).await?;

    let upkeep_clock = Arc::clone(&clock);
    let gateway = gateway::Gateway {
        logon: app::logon(&config, Arc::clone(&clock)),
        authorizer: app::authorizer(&config, Arc::clone(&clock)),
        backend: options.backend.clone().map(backend::Backend::new),
        readable_by: match options.allowed_origins.as_slice() {
            [origin] => Some(origin.clone()),
            _ => None,
        },
        own_host: url.trim_start_matches("http://").to_owned(),
    };
    tasks.spawn(serve(gateway_listener, gateway::router(gateway), until(stopped.clone())));
    tasks.spawn(upkeep(keyring, database, upkeep_clock, stopped));
    Ok(Running { url, dynamodb_url, kms_url, config, has_demo, stop, tasks })
}

impl Running {
    /// Waits until a part breaks down.
    ///
    /// # Errors
    /// [`LocalError::Broken`] or [`LocalError::Task`], with what broke.
    pub async fn broken(&mut self) -> Result<(), LocalError> {
        match self.tasks.join_next().await {
            Some(ended) => ended?.map_err(LocalError::Broken),
            None => Ok(()),
        }
    }

    /// Stops everything, once the requests that run have been answered or their time is over.
    pub async fn stop(mut self) {
        // An error would say that nobody listens any more, which is what is wanted.
        let _ = self.stop.send(true);
        let _ = tokio::time::timeout(GRACE, async { while self.tasks.join_next().await.is_some() {} }).await;
    }
}

async fn listen(address: SocketAddr, option: &'static str) -> Result<TcpListener, LocalError> {
    TcpListener::bind(address).await.map_err(|source| LocalError::Listen { address, option, source })
}

fn url_of(listener: &TcpListener, asked: SocketAddr) -> String {
    format!("http://{}", listener.local_addr().unwrap_or(asked))
}

async fn until(mut stopped: watch::Receiver<bool>) {
    // An error means that the sender is gone, which is a stop as well.
    let _ = stopped.wait_for(|stop| *stop).await;
}

async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), String> {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(stop).await.map_err(|error| error.to_string())
}

async fn upkeep(
    keyring: Keyring,
    database: dynoxide::Database,
    clock: Clock,
    mut stopped: watch::Receiver<bool>,
) -> Result<(), String> {
    loop {
        tokio::select! {
            _ = stopped.wait_for(|stop| *stop) => return Ok(()),
            () = tokio::time::sleep(UPKEEP) => {}
        }
        if let Err(error) = keyring.make_due(clock(), &app::random()).await {
            tracing::error!(error = &error as &dyn std::error::Error, "keys not looked after");
        }
        if let Err(error) = database.sweep_ttl() {
            tracing::error!(%error, "expired items not removed");
        }
    }
}

fn config(options: &Options, url: &str, dynamodb_url: &str, kms_url: &str) -> Config {
    Config {
        stack: DEFAULT_STACK.to_owned(),
        aws: aws(dynamodb_url, kms_url),
        tokens: Expected {
            issuer: url.to_owned(),
            audience: url.to_owned(),
            lifetimes: Lifetimes { token: Duration::from_hours(12), session: Duration::from_hours(168) },
        },
        site: Site {
            issuer: url.to_owned(),
            delivery: options.delivery,
            failed_logon_status: options.failed_logon_status,
            cookie_domain: None,
            origins: TrustedOrigins { scheme: "http://", configured: options.allowed_origins.clone() },
        },
        paces: Paces::default(),
        session_memory: Duration::from_secs(5),
        journal: Journal::Log,
    }
}

/// The embedded services want credentials, and take any.
#[must_use]
pub fn aws(dynamodb_url: &str, kms_url: &str) -> Aws {
    Aws {
        sdk: Aws::fixed("us-east-1".to_owned(), "local".to_owned(), "local".to_owned(), None),
        limits: Limits::FUNCTION,
        dynamodb_endpoint: Some(dynamodb_url.to_owned()),
        kms_endpoint: Some(kms_url.to_owned()),
    }
}

/// Adds the demo account to an empty store. Tells whether it is there, now or since an earlier start.
async fn demo_account(store: &Store, clock: &Clock) -> Result<bool, LocalError> {
    let email = Email::parse(DEMO_EMAIL)?;
    if store.has_accounts().await? {
        return Ok(store.account(&email).await?.is_some());
    }
    let password = Password::new(&Zeroizing::new(DEMO_PASSWORD.to_owned()));
    let account = Account {
        email,
        registered_email: DEMO_EMAIL.to_owned(),
        sub: id(&app::random()),
        name: "Demo".to_owned(),
        role: None,
        status: Status::Active,
        password_hash: Some(Hasher::default().hash(&password, app::random())?),
        created: clock(),

        generation: 0,
        profile: [("country".to_owned(), "GB".to_owned())].into(),
    };
    let _ = store.add_account(&account).await?;
    Ok(true)
}
