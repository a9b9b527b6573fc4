//! The composition root: whatever is put together is put together here.

use std::sync::Mutex;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use tokio::sync::OnceCell;

use crate::{
    causes::Causes,
    domain::time::Clock,
    functions::{
        authorizer::AuthorizerFunction,
        config::Config,
        logon::LogonFunction,
        mailer::{MailerFunction, Records},
        rotator::RotatorFunction,
    },
    platform::{
        aws::Aws,
        kms::Kms,
        machine::{RANDOM, now, random, start_log, system_clock},
        ses::Ses,
        store::Store,
    },
    service::{
        access::Gatekeeper,
        administration::Administration,
        keyring::Keyring,
        operations::{Operations, Rules},
        rotation::Rotation,
    },
    web::event::Event,
};

/// Runs the log-on function until Lambda ends it.
///
/// # Errors
/// [`crate::functions::config::BadConfig`], or what the Runtime API says.
pub async fn run_logon() -> Result<(), Error> {
    start_log();
    let function = &logon(&Config::from_env()?, system_clock());
    function.operations.warm_up(now()).await;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Event>| async move {
        Ok::<_, Error>(function.handle(&event.payload).await.for_gateway(&event.payload))
    }))
    .await
}

/// Runs the authorizer function until Lambda ends it.
///
/// # Errors
/// [`crate::functions::config::BadConfig`], or what the Runtime API says.
pub async fn run_authorizer() -> Result<(), Error> {
    start_log();
    let function = &authorizer(&Config::from_env()?, system_clock());
    function.gatekeeper.warm_up().await;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Event>| async move {
        function.handle(&event.payload).await.map_err(Error::from)
    }))
    .await
}

/// Runs the rotator function until Lambda ends it: each invocation, whatever its event, makes the key that is due.
///
/// # Errors
/// [`crate::functions::config::BadConfig`], or what the Runtime API says.
pub async fn run_rotator() -> Result<(), Error> {
    start_log();
    let config = Config::from_env()?;
    let function = &RotatorFunction { rotation: Stack::of(&config).rotation(), journal: config.journal };
    lambda_runtime::run(service_fn(move |event: LambdaEvent<serde::de::IgnoredAny>| async move {
        let made = function.handle(&event.context.request_id, now(), &random()).await.inspect_err(|error| {
            tracing::error!(error = %Causes(error), "the keys were not looked after");
        })?;
        Ok::<_, Error>(serde_json::json!({"made": made.map(String::from)}))
    }))
    .await
}

/// Runs the mailer function until Lambda ends it.
///
/// # Errors
/// [`crate::functions::config::BadConfig`], or what the Runtime API says.
pub async fn run_mailer() -> Result<(), Error> {
    start_log();
    let config = Config::from_env()?;
    let function = &mailer(&config, system_clock()).ok_or("MAIL_FROM is not set")?;
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Records>| async move {
        Ok::<_, Error>(function.handle(&event.payload, &event.context.request_id).await)
    }))
    .await
}

/// The mailer function, if mails are switched on.
#[must_use]
pub fn mailer(config: &Config, clock: Clock) -> Option<MailerFunction> {
    let sender = config.sender.clone()?;
    let Stack { store, kms } = Stack::of(config);
    let (ses, journal) = (Ses::new(config.aws.ses_for_mails()), config.journal.clone());
    Some(MailerFunction { store, kms, ses, sender, clock, journal, secret: OnceCell::new(), handled: Mutex::default() })
}

/// The tables and the KMS key of one stack, from which everything that works on it is made.
pub struct Stack {
    /// The tables.
    pub store: Store,
    kms: Kms,
}

impl Stack {
    /// The stack of this name.
    #[must_use]
    pub fn new(aws: &Aws, name: &str) -> Self {
        Self { store: Store::new(aws.dynamodb(), name), kms: Kms::new(aws.kms(), name) }
    }

    /// The stack of a configuration.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        Self::new(&config.aws, &config.stack)
    }

    /// Its keys, in memory.
    #[must_use]
    pub fn keyring(&self) -> Keyring {
        Keyring::new(self.store.clone(), self.kms.clone())
    }

    /// Its keys, to make and revoke.
    #[must_use]
    pub fn rotation(&self) -> Rotation {
        Rotation { store: self.store.clone(), kms: self.kms.clone() }
    }

    /// Its accounts and sessions, for an operator.
    #[must_use]
    pub fn administration(&self) -> Administration {
        Administration { store: self.store.clone(), clock: system_clock() }
    }
}

/// The log-on function.
#[must_use]
pub fn logon(config: &Config, clock: Clock) -> LogonFunction {
    let stack = Stack::of(config);
    let keyring = stack.keyring();
    let rules = Rules {
        tokens: config.tokens.clone(),
        paces: config.paces,
        require_factor: config.require_factor.clone(),
        passkeys: config.passkeys.clone(),
        sends_mail: config.site.features.mail,
    };
    LogonFunction {
        operations: Operations::new(stack.store, keyring, rules, RANDOM),
        site: config.site.clone(),
        clock,
        journal: config.journal.clone(),
    }
}

/// The authorizer function. It has no need of KMS.
#[must_use]
pub fn authorizer(config: &Config, clock: Clock) -> AuthorizerFunction {
    let store = Store::new(config.aws.dynamodb(), &config.stack);
    let gatekeeper = Gatekeeper::new(store, config.tokens.clone(), config.site.origins.clone(), config.session_memory);
    AuthorizerFunction { gatekeeper, clock, journal: config.journal.clone() }
}
