//! The Lambda function that sends mails.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    jea_auth::functions::app::run_mailer().await
}
