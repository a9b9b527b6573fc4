//! The exports of other systems, in the layouts that they document. Of each the email, the hash, the name, the date and
//! whether the account may log on is known, and nothing else is taken.

mod auth0;
mod keycloak;

use clap::ValueEnum;
use serde_json::Value;

use super::{
    json::Object,
    layout::{Column, is_full_name, set},
    state::{Sense, sense},
};
use crate::cli::roster::Line;

/// A system whose exports are known.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum System {
    /// Password hashes as Auth0's support exports them, JSON lines, or users as its import takes them, an array
    Auth0,
    /// better-auth, the table `user` joined with `account` as CSV or JSON
    BetterAuth,
    /// Devise, the table of users as CSV
    Devise,
    /// Django, `dumpdata auth.User` as JSON or the table `auth_user` as CSV
    Django,
    /// `FastAPI` Users, the table `user` as CSV or JSON
    FastapiUsers,
    /// Firebase, `firebase auth:export` as JSON; --hash-config has the parameters of the project
    Firebase,
    /// Flask-AppBuilder, the table `ab_user` as CSV or JSON
    FlaskAppbuilder,
    /// Keycloak, a realm with its users as JSON, or an array of realms
    Keycloak,
    /// Laravel, the table `users` as CSV
    Laravel,
    /// `MediaWiki`, the table `user` as CSV or JSON
    Mediawiki,
    /// Medusa, its auth identities as JSON
    Medusa,
    /// Payload, the collection of users as CSV or JSON
    Payload,
    /// Supabase, the table `auth.users` as CSV
    Supabase,
    /// Symfony, the table `user` as CSV or JSON
    Symfony,
    /// `WordPress`, the table `wp_users` as CSV or JSON
    Wordpress,
}

impl System {
    /// Its name, as `--from` takes it.
    pub(super) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Whether its export is JSON, and not CSV; nothing if there are both.
    pub(super) fn is_json(self) -> Option<bool> {
        match self {
            Self::Auth0 | Self::Firebase | Self::Keycloak | Self::Medusa => Some(true),
            Self::Devise | Self::Laravel | Self::Supabase => Some(false),
            Self::BetterAuth
            | Self::Django
            | Self::FastapiUsers
            | Self::FlaskAppbuilder
            | Self::Mediawiki
            | Self::Payload
            | Self::Symfony
            | Self::Wordpress => None,
        }
    }

    /// The array that its accounts stand in, if the file is an object.
    pub(super) fn array(self) -> Option<&'static str> {
        matches!(self, Self::Firebase | Self::Keycloak).then_some("users")
    }

    /// Whether its export always tells who has proved an address, and it lets nobody in who has not.
    pub(super) fn tells_proof(self) -> bool {
        self == Self::Supabase
    }

    /// A column of its table. What is not known here is left out.
    pub(super) fn column(self, name: &str) -> Column {
        let lower = name.to_lowercase();
        let member = |name: &str| Column::Member(name.to_owned());
        let profile = |name: &str| Column::Profile(name.to_owned());
        match (self, lower.as_str()) {
            (Self::Mediawiki | Self::Wordpress, "user_email") | (_, "email") => member("email"),
            (Self::BetterAuth | Self::Django | Self::FlaskAppbuilder | Self::Laravel | Self::Symfony, "password")
            | (Self::Devise | Self::Supabase, "encrypted_password")
            | (Self::FastapiUsers, "hashed_password")
            | (Self::Mediawiki, "user_password")
            | (Self::Payload, "hash")
            | (Self::Wordpress, "user_pass")
            | (Self::Auth0 | Self::Firebase, "passwordhash" | "password_hash") => member("password_hash"),
            (Self::Firebase | Self::Payload, "salt") => Column::Salt,
            (Self::Keycloak, "firstname") | (Self::Django | Self::FlaskAppbuilder, "first_name") => {
                profile("firstname")
            }
            (Self::Keycloak, "lastname") | (Self::Django | Self::FlaskAppbuilder, "last_name") => profile("surname"),
            (Self::Auth0, "given_name" | "family_name" | "nickname") => Column::Skipped,
            (Self::Mediawiki, "user_real_name") | (_, "name") => Column::FullName,
            (Self::Mediawiki, "user_name") | (Self::Wordpress, "user_login") | (_, "username") => Column::Username,
            (_, _) if is_full_name(name) => Column::FullName,
            (_, "created_at" | "createdat" | "created_on" | "date_joined" | "createdtimestamp")
            | (Self::Mediawiki, "user_registration")
            | (Self::Wordpress, "user_registered") => Column::Date,
            // 0 is what all accounts have there.
            (Self::Wordpress, "user_status" | "spam") => Column::State(Sense::Barred),
            (Self::Devise, "confirmed_at") | (Self::Supabase, "email_confirmed_at") | (Self::Payload, "_verified") => {
                Column::Proved
            }
            (Self::BetterAuth, "providerid") => Column::Provider,
            (Self::Devise, "otp_secret") => Column::TotpSecret,
            (Self::Devise, "otp_required_for_login") => Column::TotpOn,
            (Self::Supabase, "raw_user_meta_data") => Column::Names,
            _ => sense(name).map_or(Column::Skipped, Column::State),
        }
    }

    /// Takes an object of its export. What its members stand in comes back; nothing if it is no account of a person.
    pub(super) fn line<'a>(
        self,
        object: &'a Object,
        skips: &dyn Fn(&str) -> bool,
        verifies: Option<bool>,
        line: &mut Line,
    ) -> Result<Option<&'a Object>, String> {
        // `dumpdata` may hold other models as well, and realms have accounts of programs.
        let is_django = self == Self::Django;
        let fields = object.get("fields").and_then(Value::as_object).filter(|_| is_django).unwrap_or(object);
        if (is_django && !fields.contains_key("password"))
            || (self == Self::Keycloak && fields.contains_key("serviceAccountClientId"))
        {
            return Ok(None);
        }
        for (name, value) in fields.iter().filter(|(name, _)| !skips(name)) {
            set(line, &self.column(name), value)?;
        }
        if self == Self::Auth0 {
            auth0::complete(line, fields)?;
        } else if self == Self::Keycloak {
            keycloak::complete(line, fields, verifies)?;
        } else if self == Self::Medusa {
            medusa(line, fields)?;
        }
        Ok(Some(fields))
    }
}

/// An auth identity of Medusa: the email is its id, and what its provider keeps has the hash.
fn medusa(line: &mut Line, fields: &Object) -> Result<(), String> {
    let identities = fields.get("provider_identities").and_then(Value::as_array);
    let of_password = |one: &&Value| one.get("provider").is_some_and(|provider| provider == "emailpass");
    let identity = identities.and_then(|all| all.iter().find(of_password)?.as_object()).unwrap_or(fields);
    let hash = identity.get("provider_metadata").and_then(|kept| kept.get("password")).unwrap_or(&Value::Null);
    line.set("email", identity.get("entity_id").unwrap_or(&Value::Null))?;
    line.set("password_hash", hash)?;
    Ok(())
}
