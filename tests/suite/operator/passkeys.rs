//! Passkeys, as an operator sees and removes them.

use jea_auth::domain::passkey::StoredPasskey;
use reqwest::StatusCode;
use serde_json::Value;

use crate::support::{
    authenticator::text,
    mails,
    passkeys::{change, log_on, with_passkey},
    program::Operator,
    service::EMAIL,
};

// Check 87.
#[tokio::test(flavor = "multi_thread")]
async fn an_operator_lists_passkeys_and_removes_one_and_its_owner_is_told() {
    let (service, authenticator) = with_passkey().await;
    let operator = Operator::of(&service);
    let id = text(&authenticator.id);
    let listed = operator.json(&["user", "passkeys", EMAIL]);
    let [row] = &listed.as_array().unwrap()[..] else { panic!("{listed}") };
    assert_eq!((row["id"].as_str(), row["name"].as_str()), (Some(id.as_str()), Some("Phone")));
    assert_eq!((row["rp_id"].as_str(), &row["last_used"]), (Some("localhost"), &Value::Null));
    let sessions = service.sessions(EMAIL).await.len();
    let option = format!("--remove={id}");
    let removing = ["user", "passkeys", EMAIL, &option, "--yes"];
    let removed = operator.run(&removing, "");
    assert!(removed.status.success(), "{}", String::from_utf8_lossy(&removed.stderr));
    assert_eq!(log_on(&service, &authenticator).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(service.sessions(EMAIL).await.len(), sessions, "no session ends by it");
    assert_eq!(operator.json(&["user", "passkeys", EMAIL]), Value::Array(Vec::new()));
    let again = operator.run(&removing, "");
    assert!(String::from_utf8_lossy(&again.stderr).contains("the account has no such passkey"));
    let told = mails::mails(&service, 2).await;
    assert_eq!(told[1].subject, "jea-auth: A passkey was removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_says_whether_passkeys_are_for_the_host_of_the_service() {
    let (service, _) = with_passkey().await;
    let operator = Operator::of(&service);
    let issuer = service.running.config.site.issuer.as_str();
    let found = |url: &str| {
        let findings = operator.json(&["doctor", "--url", url]);
        let finding = findings.as_array().unwrap().iter().find(|finding| finding["check"] == "passkeys").unwrap();
        (finding["state"].as_str().unwrap().to_owned(), finding["found"].as_str().unwrap().to_owned())
    };
    assert_eq!(found(issuer), ("ok".to_owned(), "1, which are for localhost".to_owned()));
    change(&service, |account| {
        let passkeys = account.passkeys.values_mut();
        passkeys.for_each(|passkey| *passkey = StoredPasskey { rp_id: "example.org".to_owned(), ..passkey.clone() });
    })
    .await;
    let (state, told) = found(issuer);
    assert_eq!(state, "warning");
    assert!(told.starts_with("1 of 1 are for another host than localhost"), "{told}");
}
