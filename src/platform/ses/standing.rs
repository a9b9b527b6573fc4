//! What SES says of an account of AWS and of who may send from it. An operator asks; the mailer never does.

use aws_sdk_sesv2::{
    error::BoxError,
    operation::get_email_identity::GetEmailIdentityError,
    types::{DkimStatus, MailFromAttributes, MailFromDomainStatus},
};

use super::Ses;

/// How SES stands to an account of AWS, in one region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// It sends to verified addresses alone, and few mails a day.
    pub is_sandbox: bool,
    /// It sends at all: SES pauses accounts whose mails bounce.
    pub is_sending: bool,
}

/// An identity that may send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The configuration set that its mails are sent with if they name none.
    pub configuration_set: Option<String>,
    /// Whether its domain signs its mails (SES Developer Guide, "Authenticating Email with DKIM").
    pub has_dkim: bool,
    /// Whether their envelopes have a domain of its own in the place of SES's ("Using a custom MAIL FROM domain").
    pub has_mail_from: bool,
}

/// SES did not say.
#[derive(Debug, thiserror::Error)]
#[error("SES {operation} failed")]
pub struct AskError {
    operation: &'static str,
    source: BoxError,
}

impl Ses {
    /// How SES stands to this account.
    ///
    /// # Errors
    /// [`AskError`] if SES fails, or does not let one look.
    pub async fn standing(&self) -> Result<Standing, AskError> {
        let asked = self.client.get_account().send().await;
        let account = asked.map_err(|error| AskError { operation: "GetAccount", source: error.into() })?;
        Ok(Standing { is_sandbox: !account.production_access_enabled(), is_sending: account.sending_enabled() })
    }

    /// The identity by which mails may come from this address, if there is one: it is verified itself, or its domain
    /// is, or one that its domain is below (SES Developer Guide, "Verified identities").
    ///
    /// # Errors
    /// As [`Self::standing`].
    pub async fn may_send_from(&self, address: &str) -> Result<Option<Verified>, AskError> {
        for identity in identities(address) {
            match self.client.get_email_identity().email_identity(identity).send().await {
                Ok(found) if found.verified_for_sending_status() => {
                    let dkim = found.dkim_attributes().filter(|dkim| dkim.signing_enabled());
                    let mail_from = found.mail_from_attributes().map(MailFromAttributes::mail_from_domain_status);
                    return Ok(Some(Verified {
                        has_dkim: dkim.and_then(|dkim| dkim.status()) == Some(&DkimStatus::Success),
                        has_mail_from: mail_from == Some(&MailFromDomainStatus::Success),
                        configuration_set: found.configuration_set_name,
                    }));
                }
                Ok(_) => {}
                Err(error) if error.as_service_error().is_some_and(GetEmailIdentityError::is_not_found_exception) => {}
                Err(error) => return Err(AskError { operation: "GetEmailIdentity", source: error.into() }),
            }
        }
        Ok(None)
    }
}

/// The address, its domain, and the domains above that have a dot.
fn identities(address: &str) -> Vec<&str> {
    let mut found = vec![address];
    let mut rest = address.rsplit_once('@').map(|(_, domain)| domain);
    while let Some(domain) = rest.filter(|domain| domain.contains('.')) {
        found.push(domain);
        rest = domain.split_once('.').map(|(_, above)| above);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_looked_for_itself_and_by_its_domains() {
        let expected = ["no-reply@mail.example.org", "mail.example.org", "example.org"];
        assert_eq!(identities("no-reply@mail.example.org"), expected);
        assert_eq!(identities("jea-auth@localhost"), ["jea-auth@localhost"]);
    }
}
