//! Sending mails by Amazon SES.

mod standing;

use aws_sdk_sesv2::{
    Client,
    error::{BuildError, ProvideErrorMetadata, SdkError},
    operation::{RequestId, send_email::SendEmailError},
    types::{Body, Content, Destination, EmailContent, Message, MessageHeader},
};

use crate::{
    causes::Causes,
    domain::mail::{AUTO_SUBMITTED, Mail, Sender},
};
pub use standing::{AskError, Standing, Verified};

const UTF_8: &str = "UTF-8";

/// SES in one region.
#[derive(Clone, Debug)]
pub struct Ses {
    client: Client,
}

/// A mail was not sent. What SES says in words is not kept: it names the recipient.
#[derive(Debug, thiserror::Error)]
pub enum SesError {
    /// SES refuses this mail, and would again: its recipient or its content.
    #[error("SES refuses the mail: {0}")]
    Refused(String),
    /// SES did not answer in time, throttled, or failed. Another try may succeed.
    #[error("SES SendEmail failed: {0}")]
    Call(String),
}

impl From<BuildError> for SesError {
    fn from(error: BuildError) -> Self {
        Self::Refused(error.to_string())
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
        let (name, value) = AUTO_SUBMITTED;
        let header = MessageHeader::builder().name(name).value(value).build()?;
        let message = Message::builder().subject(content(&mail.subject)?).body(body).headers(header).build();
        let send = self
            .client
            .send_email()
            .from_email_address(sender.mailbox())
            .destination(Destination::builder().to_addresses(to).build())
            .content(EmailContent::builder().simple(message).build());
        match send.send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(is_final) => Err(SesError::Refused(told(&error))),
            Err(error) => Err(SesError::Call(told(&error))),
        }
    }
}

/// What can be told of an error without SES's words: status, code and the request's id, by which AWS finds the rest.
/// Where SES did not answer, what the connection says.
fn told(error: &SdkError<SendEmailError>) -> String {
    match error.raw_response() {
        Some(response) => format!(
            "HTTP {}, {}, request {}",
            response.status(),
            error.code().unwrap_or("no code"),
            error.request_id().unwrap_or("without an id")
        ),
        None => Causes(error).to_string(),
    }
}

/// Whether the mail itself is at fault (SES API v2 Reference, errors of `SendEmail`).
fn is_final(error: &SendEmailError) -> bool {
    error.is_message_rejected() || error.is_bad_request_exception()
}
