//! Sending mails by Amazon SES.

mod standing;

use aws_sdk_sesv2::{
    Client,
    error::{BoxError, BuildError},
    operation::send_email::SendEmailError,
    types::{Body, Content, Destination, EmailContent, Message},
};

use crate::mail::{Mail, Sender};
pub use standing::{AskError, Standing};

const UTF_8: &str = "UTF-8";

/// SES in one region.
#[derive(Clone, Debug)]
pub struct Ses {
    client: Client,
}

/// A mail was not sent.
#[derive(Debug, thiserror::Error)]
pub enum SesError {
    /// SES refuses this mail, and would again: its recipient or its content.
    #[error("SES refuses the mail")]
    Refused(#[source] BoxError),
    /// SES did not answer in time, throttled, or failed. Another try may succeed.
    #[error("SES SendEmail failed")]
    Call(#[source] BoxError),
}

impl From<BuildError> for SesError {
    fn from(error: BuildError) -> Self {
        Self::Call(error.into())
    }
}

impl Ses {
    /// Sends through `client`.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// Sends a mail to one address.
    ///
    /// # Errors
    /// [`SesError`]. The mail may have been sent all the same, if the answer was lost.
    pub async fn send(&self, sender: &Sender, to: &str, mail: &Mail) -> Result<(), SesError> {
        let content = |text: &str| Content::builder().data(text).charset(UTF_8).build();
        let body = Body::builder().text(content(&mail.body)?).build();
        let message = Message::builder().subject(content(&mail.subject)?).body(body).build();
        let send = self
            .client
            .send_email()
            .from_email_address(&sender.from)
            .destination(Destination::builder().to_addresses(to).build())
            .content(EmailContent::builder().simple(message).build());
        match send.send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(is_final) => Err(SesError::Refused(error.into())),
            Err(error) => Err(SesError::Call(error.into())),
        }
    }
}

/// Whether the mail itself is at fault (SES API v2 Reference, errors of `SendEmail`).
fn is_final(error: &SendEmailError) -> bool {
    error.is_message_rejected() || error.is_bad_request_exception()
}
