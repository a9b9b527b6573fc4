//! What an account keeps of its passkeys, how the account is found by one, and how passkeys move to another stack.

use std::{collections::BTreeSet, fs};

use aws_sdk_dynamodb::{
    primitives::Blob,
    types::{AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType},
};
use jea_auth::{
    domain::{
        account::{Account, Email, Name},
        ids::AccountId,
        passkey::{UsedPasskey, UserHandle},
        secret::ServiceSecret,
        token::Issuer,
        webauthn::{
            ChallengeFor, PresentedChallenge, RegistrationJson, RelyingParty, UnverifiedAssertion,
            UnverifiedRegistration, challenge,
        },
    },
    platform::{
        machine,
        store::{Added, Spent, Store, StoreError},
    },
};
use serde_json::{Value, json};

use crate::support::{
    authenticator::{Authenticator, client_data},
    imports::import,
    program::Operator,
    service::{EMAIL, Service},
};

const ORIGIN: &str = "https://auth.example.org";

fn party() -> RelyingParty {
    RelyingParty::new(&Issuer::parse(ORIGIN).unwrap(), None).unwrap()
}

fn secret() -> ServiceSecret {
    ServiceSecret::new(&vec![1; 32].into())
}

/// The account with a passkey more.
fn with_passkey(service: &Service, account: &Account, authenticator: &Authenticator) -> Account {
    let purpose = ChallengeFor::Registration(&account.sub, account.handle.as_ref().unwrap());
    let challenge = challenge(purpose, &secret(), &machine::random(), service.now());
    let client_data = client_data("webauthn.create", &challenge, ORIGIN).to_string();
    let json: RegistrationJson = serde_json::from_value(authenticator.register(client_data.as_bytes())).unwrap();
    let unverified = UnverifiedRegistration::try_from(json).unwrap();
    let (_, answered) = unverified.answered(account, &secret(), service.now()).unwrap();
    let made = answered.verify(&party()).unwrap();
    made.added_to(account, Name::parse("Phone \u{1f511}").unwrap(), service.now()).unwrap()
}

/// Adds an account with a passkey of each kind, one of them with the longest id.
async fn add_account(service: &Service, email: &str, handle: u8) -> Account {
    let (name, sub) = (Name::parse("Ann").unwrap(), AccountId::new(&machine::random()));
    let mut account = Account::new(email, name, sub, service.now()).unwrap();
    account.handle = Some(UserHandle::new(&[handle; 32]));
    let mut longest = Authenticator::new("auth.example.org", &[handle; 32]);
    (longest.id, longest.count) = (vec![handle; 1023], u32::MAX);
    for authenticator in [longest, Authenticator::with_rsa("auth.example.org", &[handle; 32])] {
        account = with_passkey(service, &account, &authenticator);
    }
    assert_eq!(service.store().add_account(&account).await.unwrap(), Added::Added);
    account
}

fn accounts_of(service: &Service) -> String {
    format!("{}-accounts", service.running.config.stack)
}

async fn found(service: &Service, handle: u8) -> Option<Account> {
    service.store().account_of_handle(&UserHandle::new(&[handle; 32])).await.unwrap()
}

// Check 87.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_found_by_its_handle_and_is_as_it_was_written() {
    let service = Service::start().await;
    let (ann, bob) =
        (add_account(&service, "ann@example.org", 1).await, add_account(&service, "bob@example.org", 2).await);
    for (handle, account) in [(1, &ann), (2, &bob)] {
        let read = found(&service, handle).await.unwrap();
        assert_eq!((&read.email, &read.handle, &read.passkeys), (&account.email, &account.handle, &account.passkeys));
    }
    assert!(found(&service, 3).await.is_none(), "and nobody's is nobody's");
    let renamed = service.administration().rename(&ann.email, "ann.smith@example.org").await.unwrap().unwrap();
    assert_eq!(renamed.passkeys, ann.passkeys);
    assert_eq!(found(&service, 1).await.unwrap().email, renamed.email);
    assert!(service.administration().delete(renamed.email.as_str()).await.unwrap());
    assert!(found(&service, 1).await.is_none());
    let index = service.running.config.aws.dynamodb().scan().table_name(accounts_of(&service)).index_name("by-handle");
    let items = index.send().await.unwrap().items.unwrap();
    let names: Vec<BTreeSet<&str>> = items.iter().map(|item| item.keys().map(String::as_str).collect()).collect();
    assert_eq!(names, [["email", "handle"].into()], "keys only, and of those alone that have a handle");
}

// Check 87.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_leaves_passkeys_and_disabling_removes_them_for_good() {
    let service = Service::start().await;
    let ann = add_account(&service, "ann@example.org", 1).await;
    let operator = Operator::of(&service);
    let passwd = operator.run(&["user", "passwd", "ann@example.org", "--password-stdin"], "another password of words");
    let told = |output: std::process::Output| String::from_utf8(output.stderr).unwrap();
    assert!(told(passwd).contains("2 passkeys can still be used\n"));
    assert_eq!(found(&service, 1).await.unwrap().passkeys, ann.passkeys);
    let disabled = told(operator.run(&["user", "disable", "ann@example.org"], ""));
    assert!(disabled.contains("2 passkeys removed for good\n") && !disabled.contains("still"), "{disabled}");
    assert!(service.administration().enable(&ann.email).await.unwrap().is_some());
    let enabled = found(&service, 1).await.unwrap();
    assert_eq!((enabled.passkeys.len(), enabled.handle), (0, ann.handle));
}

// Check 87.
#[tokio::test]
async fn a_handle_of_nobody_costs_the_calls_of_any_other() {
    let service = Service::start().await;
    add_account(&service, "ann@example.org", 1).await;
    let wire = crate::support::proxy::Wire::default();
    let mut config = service.config();
    config.aws.dynamodb_endpoint = Some(wire.proxy(&service.running.dynamodb_url).await);
    let store = Store::new(config.aws.dynamodb(), &config.stack);
    assert!(store.account_of_handle(&UserHandle::new(&[1; 32])).await.unwrap().is_some());
    assert!(store.account_of_handle(&UserHandle::new(&[9; 32])).await.unwrap().is_none());
    let calls: Vec<String> = wire.calls.lock().unwrap().iter().map(|(target, _)| target.clone()).collect();
    let both = ["DynamoDB_20120810.Query", "DynamoDB_20120810.GetItem"];
    assert_eq!(calls, [both, both].concat());
}

// Check 87.
#[tokio::test(flavor = "multi_thread")]
async fn a_challenge_is_spent_once_also_by_requests_at_the_same_moment() {
    let service = Service::start().await;
    let text = challenge(ChallengeFor::Assertion, &secret(), &[7; 16], service.now());
    let authenticator = Authenticator::new("auth.example.org", &[1; 32]);
    let presented = || -> PresentedChallenge {
        let json = authenticator.assert(client_data("webauthn.get", &text, ORIGIN).to_string().as_bytes());
        let unverified = UnverifiedAssertion::parse(json.to_string().as_bytes()).unwrap();
        unverified.answered(&secret(), service.now()).unwrap().0
    };
    let tasks = (0..20_u8).map(|request| {
        let (store, challenge) = (service.store(), presented());
        tokio::spawn(async move { (request, store.spend_challenge(&challenge, &[request; 16]).await.unwrap()) })
    });
    let mut first = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        let (request, spent) = task.await.unwrap();
        first.extend((spent == Spent::Now).then_some(request));
    }
    let [first] = first[..] else { panic!("{first:?}") };
    let store = service.store();
    let again = |request: u8| {
        let (store, challenge) = (&store, presented());
        async move { store.spend_challenge(&challenge, &[request; 16]).await.unwrap() }
    };
    assert_eq!(again(first).await, Spent::Now, "a write that is sent twice finds itself");
    assert_eq!(again(first + 1).await, Spent::Before);
    let table = format!("{}-attempts", service.running.config.stack);
    let item = service.running.config.aws.dynamodb().get_item().table_name(table);
    let item = item.key("key", AttributeValue::S(presented().key)).send().await.unwrap().item.unwrap();
    let expires: u64 = item["expires_at"].as_n().unwrap().parse().unwrap();
    assert_eq!(expires, service.now().seconds() + 360, "five minutes, and one for clocks that differ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_use_is_written_down_where_something_is_new_and_the_account_still_has_the_passkey() {
    let service = Service::start().await;
    let ann = add_account(&service, "ann@example.org", 1).await;
    let (id, _) = ann.passkeys.iter().find(|(_, passkey)| passkey.sign_count == u32::MAX).unwrap();
    let used = UsedPasskey { id: id.clone(), sign_count: 7, backed_up: false };
    let store = service.store();
    store.mark_passkey_used(&ann, &used, service.now()).await.unwrap();
    let read = found(&service, 1).await.unwrap();
    assert_eq!(read.passkeys[id], ann.passkeys[id].after(&used, service.now()));
    assert_eq!(read.passkeys[id].last_used.unwrap().seconds() % (24 * 3600), 0);
    let others = |account: &Account| {
        account.passkeys.iter().filter(|(other, _)| *other != id).map(|(_, it)| it.clone()).collect::<Vec<_>>()
    };
    assert_eq!(others(&read), others(&ann));
    store.mark_passkey_used(&read, &UsedPasskey { sign_count: 8, ..used.clone() }, service.now()).await.unwrap();
    assert_eq!(found(&service, 1).await.unwrap().passkeys[id].sign_count, 8);
    // Its sessions were ended since it was read, and the passkey was removed.
    let ended = service.administration().end_sessions(&ann.email).await.unwrap().unwrap();
    store.mark_passkey_used(&ann, &UsedPasskey { sign_count: 9, ..used.clone() }, service.now()).await.unwrap();
    let changed = store.change_account::<StoreError>(&ann.email, |account| {
        let mut account = account.clone();
        account.passkeys.clear();
        Ok(account)
    });
    assert_eq!(changed.await.unwrap().unwrap().before.passkeys[id].sign_count, 8);
    store.mark_passkey_used(&ended, &used, service.now()).await.unwrap();
    assert!(found(&service, 1).await.unwrap().passkeys.is_empty());
}

#[tokio::test]
async fn a_table_of_an_earlier_release_gets_the_index_with_what_is_in_it() {
    let service = Service::start().await;
    let ann = add_account(&service, "ann@example.org", 1).await;
    let (client, stack) = (service.running.config.aws.dynamodb(), "earlier");
    let key = KeySchemaElement::builder().attribute_name("email").key_type(KeyType::Hash).build().unwrap();
    let definition = AttributeDefinition::builder().attribute_name("email");
    let definition = definition.attribute_type(ScalarAttributeType::S).build().unwrap();
    let create = client.create_table().table_name("earlier-accounts").billing_mode(BillingMode::PayPerRequest);
    create.key_schema(key).attribute_definitions(definition).send().await.unwrap();
    let store = Store::new(client, stack);
    assert_eq!(store.add_account(&ann).await.unwrap(), Added::Added);
    for _ in 0..2 {
        store.create_tables().await.unwrap();
        assert_eq!(store.account_of_handle(&ann.handle.unwrap()).await.unwrap().unwrap().email, ann.email);
    }
}

// Check 68.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_with_an_odd_passkey_is_malformed_and_stops_itself_alone() {
    let service = Service::start().await;
    let ann = add_account(&service, "ann@example.org", 1).await;
    let client = service.running.config.aws.dynamodb();
    let get =
        client.get_item().table_name(accounts_of(&service)).key("email", AttributeValue::S("ann@example.org".into()));
    let good = get.send().await.unwrap().item.unwrap();
    let id = ann.passkeys.first_key_value().unwrap().0.text();
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let of_passkey = |name: &str, value: Option<AttributeValue>| {
        let mut item = good.clone();
        let mut passkeys = item["passkeys"].as_m().unwrap().clone();
        let mut passkey = passkeys[&id].as_m().unwrap().clone();
        passkey.remove(name);
        passkey.extend(value.map(|value| (name.to_owned(), value)));
        passkeys.insert(id.clone(), AttributeValue::M(passkey));
        item.insert("passkeys".to_owned(), AttributeValue::M(passkeys));
        item
    };
    let of_account = |name: &str, value: Option<AttributeValue>| {
        let mut item = good.clone();
        item.remove(name);
        item.extend(value.map(|value| (name.to_owned(), value)));
        item
    };
    let mut cases = vec![
        (of_account("handle", None), "handle"),
        (of_account("handle", Some(text("AAAA"))), "handle"),
        (of_account("passkeys", Some(AttributeValue::L(Vec::new()))), "passkeys"),
        (of_account("passkeys", Some(AttributeValue::M([("=".to_owned(), text("x"))].into()))), "passkeys"),
        (of_passkey("public_key", Some(AttributeValue::B(Blob::new([0xa5])))), "public_key"),
        (of_passkey("sign_count", Some(AttributeValue::N("4294967296".to_owned()))), "sign_count"),
        (of_passkey("backed_up", Some(text("true"))), "backed_up"),
        (of_passkey("last_used", Some(text("today"))), "last_used"),
        (of_passkey("name", Some(text(""))), "name"),
    ];
    for name in ["name", "public_key", "rp_id", "created", "sign_count", "backed_up"] {
        cases.push((of_passkey(name, None), name));
    }
    for (item, attribute) in cases {
        client.put_item().table_name(accounts_of(&service)).set_item(Some(item)).send().await.unwrap();
        match service.store().account(&ann.email).await {
            Err(StoreError::Malformed { table: "accounts", attribute: named }) => assert_eq!(named, attribute),
            Err(error) => panic!("{attribute}: {error}"),
            Ok(_) => panic!("{attribute} is taken"),
        }
    }
    assert!(service.store().account(&Email::canonical(EMAIL)).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn passkeys_move_to_another_stack_with_their_account() {
    let (service, other) = (Service::start().await, Service::start().await);
    let (operator, elsewhere) = (Operator::of(&service), Operator::of(&other));
    let ann = add_account(&service, "ann@example.org", 1).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("users.jsonl");
    let exported = operator.run(&["user", "export"], "");
    let line = String::from_utf8(exported.stdout).unwrap();
    let line = line.lines().find(|line| line.contains("ann@")).unwrap().to_owned();
    fs::write(&file, &line).unwrap();
    let told = |output: &std::process::Output| String::from_utf8(output.stderr.clone()).unwrap();
    let dry = import(&elsewhere, &file, &["--dry-run"]);
    assert!(told(&dry).contains("2 passkeys come along, and log on where"), "{}", told(&dry));
    let imported = import(&elsewhere, &file, &[]);
    assert!(imported.status.success(), "{}", told(&imported));
    let read = found(&other, 1).await.unwrap();
    assert_eq!((read.handle, read.passkeys), (ann.handle, ann.passkeys));
    // A handle is one account's, in the file and in the store.
    let mut second: Value = serde_json::from_str(&line).unwrap();
    (second["email"], second["sub"]) = (json!("bob@example.org"), json!("bob"));
    fs::write(&file, second.to_string()).unwrap();
    let taken = import(&elsewhere, &file, &[]);
    assert!(told(&taken).contains("passkeys: handle: ann@example.org has it already"), "{}", told(&taken));
    fs::write(&file, format!("{line}\n{second}")).unwrap();
    let twice = import(&elsewhere, &file, &[]);
    assert!(told(&twice).contains("line 2: passkeys: handle: the same as in line 1"), "{}", told(&twice));
    fs::write(&file, second.to_string()).unwrap();
    let without = import(&elsewhere, &file, &["--skip", "passkeys"]);
    assert!(without.status.success(), "{}", told(&without));
    let bob = other.store().account(&Email::canonical("bob@example.org")).await.unwrap().unwrap();
    assert_eq!((bob.handle, bob.passkeys.len()), (None, 0));
    let csv = folder.path().join("users.csv");
    fs::write(&csv, "email,name,passkeys\na@example.org,Ann,{}\n").unwrap();
    assert!(told(&import(&elsewhere, &csv, &[])).contains("passkeys do not fit into CSV"));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_field_of_an_imported_passkey_is_checked_and_told_by_its_line() {
    let service = Service::start().await;
    let operator = Operator::of(&service);
    let ann = add_account(&service, "ann@example.org", 1).await;
    let exported = String::from_utf8(operator.run(&["user", "export"], "").stdout).unwrap();
    let line: Value = serde_json::from_str(exported.lines().find(|line| line.contains("ann@")).unwrap()).unwrap();
    let id = ann.passkeys.first_key_value().unwrap().0.text();
    let with = |member: &str, value: Value| {
        let mut passkeys = line["passkeys"].clone();
        passkeys["keys"][&id][member] = value;
        passkeys
    };
    let of_all = |member: &str, value: Value| {
        let mut passkeys = line["passkeys"].clone();
        passkeys[member] = value;
        passkeys
    };
    let beside_the_curve = crate::support::authenticator::text(
        &[&[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 0x20][..], &[7; 32], &[0x22, 0x58, 0x20], &[7; 32]].concat(),
    );
    let good = line["passkeys"]["keys"][&id].clone();
    let many: serde_json::Map<String, Value> =
        (0..11_u8).map(|at| (crate::support::authenticator::text(&[at]), good.clone())).collect();
    let cases = [
        (json!([]), "passkeys: an object is expected, of handle and keys"),
        (of_all("x", json!(1)), "passkeys: unknown member x: handle, keys are expected"),
        (of_all("handle", Value::Null), "passkeys: handle is missing"),
        (
            of_all("handle", json!("AAAA")),
            "passkeys: handle: the handle of an account is base64url without padding, of 32 bytes",
        ),
        (of_all("keys", json!([])), "passkeys: keys: an object is expected"),
        (of_all("keys", json!({"=": good})), "passkeys: the id of a passkey is base64url without padding"),
        (of_all("keys", json!({"AAAA": 1})), "passkey AAAA: an object is expected"),
        (of_all("keys", Value::Object(many)), "passkeys: at most 10 are expected"),
        (with("private_key", json!("x")), "unknown member private_key: name, public_key, rp_id, created"),
        (with("name", json!("\u{3164}")), ": name: it has at least one character that can be seen"),
        (with("name", Value::Null), ": name is missing"),
        (with("public_key", json!("x=")), ": public_key: base64url without padding is expected"),
        (
            with("public_key", json!("pAEBAycgBiFYIA")),
            ": public_key: a COSE_Key is expected: the key is of another algorithm",
        ),
        (with("public_key", json!(beside_the_curve)), ": public_key: a COSE_Key is expected: the key is malformed"),
        (with("rp_id", json!("https://auth.example.org")), ": rp_id: a host in lower case is expected"),
        (with("rp_id", json!("Auth.example.org")), ": rp_id: a host in lower case is expected"),
        (with("created", Value::Null), ": created is missing"),
        (with("created", json!(1_750_000_000_000_u64)), ": created is in the future"),
        (with("last_used", json!(32_503_680_000_u64)), ": last_used is in the future"),
        (with("sign_count", json!(4_294_967_296_u64)), ": sign_count: a number of 32 bits is expected"),
        (with("backed_up", json!("yes")), ": backed_up: true or false is expected"),
    ];
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bad.jsonl");
    let lines: Vec<String> = cases
        .iter()
        .enumerate()
        .map(|(at, (passkeys, _))| {
            json!({"email": format!("user-{at}@example.org"), "name": "Ann", "passkeys": passkeys}).to_string()
        })
        .collect();
    fs::write(&file, lines.join("\n")).unwrap();
    let output = import(&operator, &file, &[]);
    let answer = String::from_utf8(output.stderr).unwrap();
    for (at, (_, reason)) in cases.iter().enumerate() {
        let told = answer.lines().nth(at).unwrap();
        assert!(told.starts_with(&format!("line {}: ", at + 1)) && told.contains(reason), "{reason}: {told}");
    }
}
