//! The Lambda function that sees to it that a successor key always exists.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    jea_auth::functions::app::run_rotator().await
}
