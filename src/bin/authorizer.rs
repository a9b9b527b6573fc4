//! The Lambda function that decides who may pass.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    jea_auth::functions::app::run_authorizer().await
}
