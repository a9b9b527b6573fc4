//! The Lambda function behind the operations.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    jea_auth::functions::app::run_logon().await
}
