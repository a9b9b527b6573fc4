//! What is done for each request, and how it is answered.

use serde_json::{Value, json};

use super::{
    Answer, Done, LogonFunction, Refused, Site, TokenDelivery,
    answer::Cookie,
    objects::{
        AccountObject, AuthObject, Discovery, FactorObject, Included, JwkSet, KeyObject, MadeKeyObject, Occasion,
        RecoveryCodesObject, SessionObject, Succeeded, UpdatedObject, Version,
    },
    request::{NewKey, Request},
};
use crate::{
    api::{Operation, ROUTES},
    domain::{
        access_key::AccessKeyId,
        account::Email,
        credential::{Credential, NewPasswordByLink, PasswordChange},
        details::DetailsChange,
        device::{DEVICE_COOKIE, KNOWN_FOR},
        factor::Otp,
        ids::SessionId,
        time::Timestamp,
    },
    service::operations::{Client, EndedOthers, Issued, Outcome},
    web::{
        carrier::{self, COOKIE_NAME, Carrier},
        event::Event,
        identity::Identity,
        pages::{self, Page},
    },
};

impl LogonFunction {
    pub(super) async fn perform(&self, request: Request, event: &Event, now: Timestamp) -> Done {
        match request {
            Request::Info => Done::of(Ok(Answer::ok(&Version::current()))),
            Request::Description => Done::of(Ok(Answer::ok(&description(&self.site)))),
            Request::SignInPage => Done::of(Ok(self.page(&pages::SIGN_IN))),
            Request::AccountPage => Done::of(Ok(self.page(&pages::ACCOUNT))),
            Request::Jwks => Done::of(self.jwks(now).await),
            Request::Discovery => Done::of(self.discovery(now).await),
            Request::LogOn(credential) => self.log_on(credential, event, now).await,
            Request::CheckIn(identity) => Done::of(self.check_in(&identity, now).await),
            Request::LogOff(identity) => Done::of(self.log_off(&identity).await),
            Request::Confirm(identity, credential) => self.confirm(&identity, credential, event, now).await,
            Request::User(identity) => Done::of(self.user(&identity, now).await),
            Request::UpdateUser(identity, change) => Done::of(self.update_user(&identity, &change, now).await),
            Request::Password(identity, passwords) => self.password(&identity, passwords, event, now).await,
            Request::Sessions(identity) => Done::of(self.sessions(&identity, now).await),
            Request::EndSession(identity, sid) => Done::of(self.end_session(&identity, &sid, now).await),
            Request::EndOtherSessions(identity) => Done::of(self.end_other_sessions(&identity, event, now).await),
            Request::Keys(identity) => Done::of(self.keys(&identity, now).await),
            Request::MakeKey(identity, key) => Done::of(self.make_key(&identity, &key, now).await),
            Request::EndKey(identity, id) => Done::of(self.end_key(&identity, &id, now).await),
            Request::BeginFactor(identity) => Done::of(self.begin_factor(&identity, now).await),
            Request::ConfirmFactor(identity, otp) => Done::of(self.confirm_factor(&identity, &otp, now).await),
            Request::RemoveFactor(identity) => Done::of(self.remove_factor(&identity, now).await),
            Request::Forgot(email) => Done::of(self.forgot(&email, event, now).await),
            Request::Reset(by_link) => Done::of(self.reset(by_link, event, now).await),
        }
    }

    async fn log_on(&self, credential: Credential, event: &Event, now: Timestamp) -> Done {
        let devices = devices(event);
        let client = client(event, &devices);
        let carrier = match self.site.delivery {
            TokenDelivery::Cookie => Carrier::Cookie,
            TokenDelivery::Body => Carrier::Bearer,
        };
        let outcome = self.operations.log_on(credential, client, now, &(self.fresh)()).await;
        self.handed_over(Operation::LogOn, Occasion::LOG_ON, carrier, outcome)
    }

    async fn confirm(&self, identity: &Identity, credential: Credential, event: &Event, now: Timestamp) -> Done {
        let devices = devices(event);
        let client = client(event, &devices);
        let outcome = self.operations.confirm(credential, identity, client, now, &(self.fresh)()).await;
        self.handed_over(Operation::Confirm, Occasion::CONFIRM, identity.carrier, outcome)
    }

    async fn check_in(&self, identity: &Identity, now: Timestamp) -> Result<Answer, Refused> {
        let issued = self.operations.check_in(identity, now, &(self.fresh)()).await;
        let issued = issued.map_err(|refusal| Refused::ByOperation(Operation::CheckIn, refusal))?;
        Ok(self.issued(Occasion::CHECK_IN, &issued, identity.carrier))
    }

    async fn log_off(&self, identity: &Identity) -> Result<Answer, Refused> {
        let done = self.operations.log_off(identity).await;
        done.map_err(|refusal| Refused::ByOperation(Operation::LogOff, refusal))?;
        let answer = Answer::ok(&AuthObject::void());
        Ok(match identity.carrier {
            Carrier::Cookie => answer.with_cookie(&self.site, Cookie::cleared(COOKIE_NAME)),
            Carrier::Bearer => answer,
        })
    }

    async fn user(&self, identity: &Identity, now: Timestamp) -> Result<Answer, Refused> {
        let account = self.operations.account(identity, now).await;
        let account = account.map_err(|refusal| Refused::ByOperation(Operation::User, refusal))?;
        Ok(Answer::ok(&AccountObject::of(&account)))
    }

    async fn update_user(
        &self,
        identity: &Identity,
        change: &DetailsChange,
        now: Timestamp,
    ) -> Result<Answer, Refused> {
        let done = self.operations.update_user(identity, change, now).await;
        done.map_err(|refusal| Refused::ByOperation(Operation::UpdateUser, refusal))?;
        Ok(Answer::ok(&UpdatedObject::new()))
    }

    async fn password(&self, identity: &Identity, passwords: PasswordChange, event: &Event, now: Timestamp) -> Done {
        let devices = devices(event);
        let client = client(event, &devices);
        let outcome = self.operations.change_password(identity, passwords, client, now, &(self.fresh)()).await;
        self.handed_over(Operation::Password, Occasion::PASSWORD, identity.carrier, outcome)
    }

    async fn sessions(&self, identity: &Identity, now: Timestamp) -> Result<Answer, Refused> {
        let sessions = self.operations.sessions(identity, now).await;
        let sessions = sessions.map_err(|refusal| Refused::ByOperation(Operation::Sessions, refusal))?;
        let data: Vec<_> = sessions.iter().map(|session| SessionObject::of(session, &identity.sid)).collect();
        Ok(Answer::ok(&Included::new("Sessions included.", data)))
    }

    async fn end_session(&self, identity: &Identity, sid: &SessionId, now: Timestamp) -> Result<Answer, Refused> {
        let done = self.operations.end_session(identity, sid, now).await;
        done.map_err(|refusal| Refused::ByOperation(Operation::EndSession, refusal))?;
        Ok(Answer::ok(&Succeeded::new("1 session ended.")))
    }

    async fn end_other_sessions(&self, identity: &Identity, event: &Event, now: Timestamp) -> Result<Answer, Refused> {
        let devices = devices(event);
        let ended = self.operations.end_other_sessions(identity, client(event, &devices), now).await;
        let EndedOthers { count, device } =
            ended.map_err(|refusal| Refused::ByOperation(Operation::EndOtherSessions, refusal))?;
        let sentence = if count == 1 { "1 session ended.".to_owned() } else { format!("{count} sessions ended.") };
        Ok(self.with_device(Answer::ok(&Succeeded::new(&sentence)), device.as_deref()))
    }

    async fn keys(&self, identity: &Identity, now: Timestamp) -> Result<Answer, Refused> {
        let keys = self.operations.keys(identity, now).await;
        let keys = keys.map_err(|refusal| Refused::ByOperation(Operation::Keys, refusal))?;
        let data: Vec<_> = keys.iter().map(|(id, key)| KeyObject::of(id, key)).collect();
        Ok(Answer::ok(&Included::new("Access keys included.", data)))
    }

    async fn make_key(&self, identity: &Identity, key: &NewKey, now: Timestamp) -> Result<Answer, Refused> {
        let made = self.operations.make_key(identity, &key.name, key.days, now, &(self.fresh)()).await;
        let made = made.map_err(|refusal| Refused::ByOperation(Operation::MakeKey, refusal))?;
        Ok(Answer::ok(&Included::new("Access key made. It is shown this once.", MadeKeyObject::of(&made))))
    }

    async fn end_key(&self, identity: &Identity, id: &AccessKeyId, now: Timestamp) -> Result<Answer, Refused> {
        let done = self.operations.end_key(identity, id, now, &(self.fresh)()).await;
        done.map_err(|refusal| Refused::ByOperation(Operation::EndKey, refusal))?;
        Ok(Answer::ok(&Succeeded::new("Access key ended, and the sessions that it opened.")))
    }

    async fn begin_factor(&self, identity: &Identity, now: Timestamp) -> Result<Answer, Refused> {
        let begun = self.operations.begin_factor(identity, now, &(self.fresh)()).await;
        let begun = begun.map_err(|refusal| Refused::ByOperation(Operation::BeginFactor, refusal))?;
        let (secret, uri) = (begun.secret.base32(), begun.secret.uri(&self.site.service, &begun.email));
        let data = FactorObject { secret: &secret, uri: &uri };
        Ok(Answer::ok(&Included::new("Confirm it with a code of your authenticator app.", data)))
    }

    async fn confirm_factor(&self, identity: &Identity, otp: &Otp, now: Timestamp) -> Result<Answer, Refused> {
        let codes = self.operations.confirm_factor(identity, otp, now, &(self.fresh)()).await;
        let codes = codes.map_err(|refusal| Refused::ByOperation(Operation::ConfirmFactor, refusal))?;
        let data = RecoveryCodesObject { recovery_codes: codes.iter().map(|code| code.as_str()).collect() };
        Ok(Answer::ok(&Included::new("Second factor set up. The recovery codes are shown this once.", data)))
    }

    async fn remove_factor(&self, identity: &Identity, now: Timestamp) -> Result<Answer, Refused> {
        let done = self.operations.remove_factor(identity, now, &(self.fresh)()).await;
        done.map_err(|refusal| Refused::ByOperation(Operation::RemoveFactor, refusal))?;
        Ok(Answer::ok(&Succeeded::new("Second factor removed.")))
    }

    async fn jwks(&self, now: Timestamp) -> Result<Answer, Refused> {
        let keys = self.operations.public_keys(now).await;
        let keys = keys.map_err(|refusal| Refused::ByOperation(Operation::Jwks, refusal))?;
        Ok(Answer::public(&JwkSet { keys }))
    }

    async fn discovery(&self, now: Timestamp) -> Result<Answer, Refused> {
        let keys = self.operations.public_keys(now).await;
        let keys = keys.map_err(|refusal| Refused::ByOperation(Operation::Discovery, refusal))?;
        Ok(Answer::public(&Discovery::of(self.site.issuer.as_str(), &keys)))
    }

    fn page(&self, page: &Page) -> Answer {
        Answer::page(page, &self.site)
    }

    async fn forgot(&self, email: &Email, event: &Event, now: Timestamp) -> Result<Answer, Refused> {
        let asked = self.operations.forgot(email, client(event, &[]), now, &(self.fresh)()).await;
        asked.map_err(|refusal| Refused::ByOperation(Operation::Forgot, refusal))?;
        Ok(Answer::ok(&Succeeded::new("If there is an account with this email, a message is on its way.")))
    }

    async fn reset(&self, by_link: NewPasswordByLink, event: &Event, now: Timestamp) -> Result<Answer, Refused> {
        let done = self.operations.reset(by_link, client(event, &[]), now, &(self.fresh)()).await;
        let device = done.map_err(|refusal| Refused::ByOperation(Operation::Reset, refusal))?;
        Ok(self.with_device(Answer::ok(&Succeeded::new("Password set. Log on with it.")), Some(&device)))
    }

    fn handed_over(
        &self,
        operation: Operation,
        occasion: Occasion,
        carrier: Carrier,
        outcome: Outcome<Issued>,
    ) -> Done {
        let Outcome { result, account, times } = outcome;
        let result = match result {
            Ok(issued) => Ok(self.issued(occasion, &issued, carrier)),
            Err(refusal) => Err(Refused::ByOperation(operation, refusal)),
        };
        Done { operation: Some(operation), result, account, times }
    }

    /// The answer that hands over a token, by the carrier that it is to travel by.
    fn issued(&self, occasion: Occasion, issued: &Issued, carrier: Carrier) -> Answer {
        match carrier {
            Carrier::Cookie => {
                let answer = Answer::ok(&AuthObject::in_cookie(occasion, issued));
                // First, because one known client reads no other.
                let token = Cookie { name: COOKIE_NAME, value: issued.token.expose(), life: issued.life };
                self.with_device(answer.with_cookie(&self.site, token), issued.device.as_deref())
            }
            Carrier::Bearer => Answer::ok(&AuthObject::in_body(occasion, issued)),
        }
    }

    /// Makes the device a known one, where cookies are set at all.
    fn with_device(&self, answer: Answer, device: Option<&str>) -> Answer {
        match device.filter(|_| self.site.delivery == TokenDelivery::Cookie) {
            Some(value) => answer.with_cookie(&self.site, Cookie { name: DEVICE_COOKIE, value, life: KNOWN_FOR }),
            None => answer,
        }
    }
}

/// The description of the service, with its URL, and without what is not switched on.
fn description(site: &Site) -> Value {
    let mut description: Value = serde_json::from_str(include_str!("openapi.json")).unwrap_or_default();
    if let Some(paths) = description.get_mut("paths").and_then(Value::as_object_mut) {
        paths.retain(|path, _| ROUTES.iter().any(|route| route.path == path && site.features.has(route.feature)));
    }
    if let Some(members) = description.as_object_mut() {
        members.insert("servers".to_owned(), json!([{"url": site.issuer.as_str()}]));
    }
    description
}

/// Where the event comes from, with the cookies of known devices that it brings.
fn client<'a>(event: &'a Event, devices: &'a [&'a str]) -> Client<'a> {
    let agent = event.headers("user-agent").first().copied().unwrap_or_default();
    Client { address: event.source_ip(), agent, devices }
}

fn devices(event: &Event) -> Vec<&str> {
    carrier::named(event.headers("cookie").into_iter(), DEVICE_COOKIE).collect()
}
