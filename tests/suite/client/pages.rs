//! The pages for people, as a browser gets them.

use jea_auth::{
    api::{Feature, ROUTES},
    domain::{
        access_key::{DAYS_DEFAULT, DAYS_MAX},
        account::LABEL_MAX_BYTES,
        details::VALUE_MAX_BYTES,
        password::{PASSWORD_MAX_BYTES, policy::CHARACTERS_MIN},
    },
    local::Options,
};
use reqwest::StatusCode;
use serde_json::json;

use crate::support::{
    client, mails,
    owner::ok,
    repository::root,
    service::{EMAIL, PASSWORD, Service, assert_refused, reasons},
};

async fn service() -> Service {
    Service::start_with(Options { pages: true, mail: true, ..Options::in_memory() }).await
}

fn pages() -> impl Iterator<Item = &'static str> {
    ROUTES.iter().filter(|route| route.marks.feature == Some(Feature::Pages)).map(|route| route.path)
}

// Check 48.
#[tokio::test]
async fn a_page_is_html_with_every_header_that_guards_it() {
    let service = service().await;
    for path in pages().flat_map(|path| [path.to_owned(), format!("{path}/")]) {
        let answer = service.get(&path).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        for (name, value) in [
            ("cache-control", "no-store"),
            ("content-type", "text/html; charset=utf-8"),
            ("cross-origin-opener-policy", "same-origin"),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
        ] {
            assert_eq!(header(name).as_deref(), Some(value), "{path}: {name}");
        }
        let policy = header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none';") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe") && header("permissions-policy").is_some(), "{policy}");
        assert_eq!(answer.headers().get_all("content-type").iter().count(), 1);
        assert!(answer.text().await.unwrap().starts_with("<!doctype html>\n"));
    }
}

#[tokio::test]
async fn the_well_known_url_for_changing_a_password_leads_to_the_account_page() {
    let service = service().await;
    let client = client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    for slash in ["", "/"] {
        let url = format!("{}/.well-known/change-password{slash}", service.running.url);
        let answer = client.get(&url).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::FOUND);
        assert_eq!(answer.headers()["cache-control"], "no-store");
        let followed = service.client.get(&url).send().await.unwrap();
        assert_eq!(followed.url().path(), "/users/account", "{slash}");
        assert_eq!(followed.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn without_pages_their_paths_are_as_closed_as_any_other() {
    let service = Service::start().await;
    for path in pages() {
        assert_refused(service.get(path).await, 401).await;
    }
    service.log_on(EMAIL, PASSWORD).await;
    for path in pages() {
        assert_refused(service.get(path).await, 404).await;
    }
}

#[tokio::test]
async fn all_that_is_no_page_is_json() {
    let service = service().await;
    for _ in 0..2 {
        for route in ROUTES.iter().filter(|route| route.marks.feature != Some(Feature::Pages)) {
            let path = route.path.replace("{sid}", "x").replace("{id}", "x");
            let answer = service.request(route.method.parse().unwrap(), &path).send().await.unwrap();
            let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
            assert_eq!(kind, "application/json; charset=utf-8", "{path}: {}", answer.status());
            serde_json::from_str::<serde_json::Value>(&answer.text().await.unwrap()).unwrap();
        }
        // The first round has no session, and the second ends its own.
        service.log_on(EMAIL, PASSWORD).await;
    }
    let other = service.request(reqwest::Method::POST, "/users/sign-in").send().await.unwrap();
    assert_refused(other, 405).await;
}

// Check 77.
#[tokio::test(flavor = "multi_thread")]
async fn the_link_of_a_mail_is_the_page_and_opening_it_uses_nothing_up() {
    let service = service().await;
    ok(service
        .request(reqwest::Method::POST, "/users/api/forgot")
        .json(&json!({"email": EMAIL}))
        .send()
        .await
        .unwrap())
    .await;
    let mail = &mails::mails(&service, 1).await[0];
    let links: Vec<&str> = mail.body.split_whitespace().filter(|word| word.contains("/users/sign-in#reset=")).collect();
    let [link] = links.as_slice() else { panic!("one link: {}", mail.body) };
    assert!(
        link.starts_with(&format!("{}/users/sign-in#", service.running.config.site.issuer.as_str()))
            && !mail.body.contains("curl")
    );
    for _ in 0..10 {
        assert_eq!(client::plain().get(*link).send().await.unwrap().status(), StatusCode::OK);
    }
    let body = json!({"token": mail.token(), "new_password": "another long enough password"});
    ok(service.request(reqwest::Method::POST, "/users/api/reset").json(&body).send().await.unwrap()).await;
    let other = json!({"token": body["token"], "new_password": "yet another long enough password"});
    let again = service.request(reqwest::Method::POST, "/users/api/reset").json(&other).send().await.unwrap();
    assert_refused(again, 403).await;
}

fn script(name: &str) -> String {
    std::fs::read_to_string(root().join("src/web/pages").join(name)).unwrap()
}

#[test]
fn a_page_has_its_own_sentence_for_every_reason_and_reads_none_of_the_service_s() {
    let words = script("words.js");
    for reason in reasons() {
        assert_eq!(words.matches(&format!("{reason}: \"")).count(), 1, "{reason}");
    }
    let scripts = ["client.js", "sign-in.js", "account.js"].map(script).concat();
    let statuses: Vec<&str> = scripts.split_inclusive(".status").filter(|part| part.ends_with(".status")).collect();
    let [status] = statuses.as_slice() else { panic!("the sentence of an answer is read") };
    assert!(status.ends_with("httpStatus: response.status"), "{status}");
    let (_, heard) = scripts.split_once("function heard(").unwrap();
    assert!(heard.starts_with("text) {\n  try {\n    const { ok, data, reason, factor, change } = JSON.parse(text);"));
}

#[test]
fn the_numbers_that_a_page_says_are_those_of_the_service() {
    let words = script("words.js");
    for said in [
        format!("\"Choose 1 to {DAYS_MAX} days.\""),
        format!("\"At least {CHARACTERS_MIN} characters."),
        format!("too short. Use at least {CHARACTERS_MIN} characters"),
        format!("cannot be your password. Use at least {CHARACTERS_MIN} characters"),
        format!("too long. Use at most {PASSWORD_MAX_BYTES} bytes."),
        format!("\"This is too long. Use at most {VALUE_MAX_BYTES} bytes.\""),
        format!("of at most {LABEL_MAX_BYTES} bytes and "),
    ] {
        assert!(words.contains(&said), "{said}");
    }
    assert!(script("account.js").contains(&format!("maxLength: {VALUE_MAX_BYTES},")));
    assert!(script("account.html").contains(&format!("min=\"1\" max=\"{DAYS_MAX}\" value=\"{DAYS_DEFAULT}\"")));
}
