//! Tricks with tokens, one row each, tried as cookie and as bearer on the real authorizer. All but the first sign with
//! the service's own key where a signature can hold, so that nothing but the trick is at fault.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jea_auth::{
    domain::{
        signing_key::{Jwk, KeyId, KeyMaterial},
        token::TOKEN_MAX_BYTES,
    },
    functions::{app, authorizer::AuthorizerFunction},
    platform::kms::Kms,
};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};
use tracing::instrument::WithSubscriber;

use crate::support::{
    event::{authorization, effect},
    log::Log,
    service::Service,
};

struct Attack {
    service: Service,
    authorizer: AuthorizerFunction,
    key: EncodingKey,
    jwk: Jwk,
    header: Value,
    claims: Value,
    token: String,
}

impl Attack {
    async fn new() -> Self {
        let service = Service::start().await;
        let authorizer = app::authorizer(&service.running.config, service.clock());
        let token = service.new_token().await;
        let part = |index| -> Value {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(index).unwrap()).unwrap()).unwrap()
        };
        let (header, claims) = (part(0), part(1));
        let stored = service.store().signing_keys().await.unwrap().keys.remove(0);
        let kms = Kms::new(service.running.config.aws.kms(), &service.running.config.stack);
        let private = kms.unseal(stored.jwk.key_id().as_str(), &stored.sealed).await.unwrap();
        Self { authorizer, key: EncodingKey::from_ec_der(&private), jwk: stored.jwk, header, claims, token, service }
    }

    fn sign(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = crypto::sign(message.as_bytes(), &self.key, Algorithm::ES256).unwrap();
        format!("{message}.{signature}")
    }

    /// A token with some members of the header set, or taken out by null.
    fn with_header(&self, changes: &Value) -> String {
        self.sign(&changed(&self.header, changes).to_string(), &self.claims.to_string())
    }

    /// A token with some claims set, or taken out by null.
    fn with_claims(&self, changes: &Value) -> String {
        self.sign(&self.header.to_string(), &changed(&self.claims, changes).to_string())
    }

    async fn effects(&self, token: &str) -> [String; 2] {
        let told = "a bad token is a verdict, not an error";
        [
            self.effect(json!({"Cookie": format!("session_token={token}")})).await.expect(told),
            self.effect(json!({"Authorization": format!("Bearer {token}")})).await.expect(told),
        ]
    }

    /// The verdict on a request with these headers, if there is one.
    async fn effect(&self, headers: Value) -> Option<String> {
        let mut asks = authorization().value();
        asks["headers"] = headers;
        let policy = self.authorizer.handle(&serde_json::from_value(asks).unwrap()).await.ok()?;
        Some(effect(&policy).to_owned())
    }

    async fn assert_denied(&self, trick: &str, token: &str) {
        assert_eq!(self.effects(token).await, ["Deny", "Deny"], "{trick}");
    }
}

fn changed(object: &Value, changes: &Value) -> Value {
    let mut object = object.clone();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            object.as_object_mut().unwrap().remove(name);
        } else {
            object[name] = value.clone();
        }
    }
    object
}

#[tokio::test]
async fn the_forge_itself_makes_tokens_that_pass() {
    let attack = Attack::new().await;
    assert_eq!(attack.effects(&attack.token).await, ["Allow", "Allow"]);
    assert_eq!(attack.effects(&attack.with_claims(&json!({}))).await, ["Allow", "Allow"]);
}

// Checks 22, 23.
#[tokio::test]
async fn no_trick_with_the_algorithm_or_the_signature_passes() {
    let attack = Attack::new().await;
    let message = attack.token.rsplit_once('.').unwrap().0;
    for alg in
        ["none", "None", "NONE", "nOnE", "HS256", "HS384", "HS512", "RS256", "PS256", "ES384", "EdDSA", "es256", ""]
    {
        let token = attack.with_header(&json!({"alg": alg}));
        attack.assert_denied(alg, &token).await;
        let unsigned = token.rsplit_once('.').unwrap().0;
        attack.assert_denied("no signature", &format!("{unsigned}.")).await;
        attack.assert_denied("no third part", unsigned).await;
    }
    // The public key as the secret of an HMAC, in every form in which one might hold it.
    let jwk = serde_json::to_value(&attack.jwk).unwrap();
    let (x, y) = (jwk["x"].as_str().unwrap(), jwk["y"].as_str().unwrap());
    let point = [&[4][..], &URL_SAFE_NO_PAD.decode(x).unwrap(), &URL_SAFE_NO_PAD.decode(y).unwrap()].concat();
    for secret in [jwk.to_string().into_bytes(), point, x.as_bytes().to_vec()] {
        let header = changed(&attack.header, &json!({"alg": "HS256"})).to_string();
        let message =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(attack.claims.to_string()));
        let tag = crypto::sign(message.as_bytes(), &EncodingKey::from_secret(&secret), Algorithm::HS256).unwrap();
        attack.assert_denied("HMAC with the public key", &format!("{message}.{tag}")).await;
    }
    let own = URL_SAFE_NO_PAD.decode(attack.token.rsplit('.').next().unwrap()).unwrap();
    let flipped: Vec<u8> = own.iter().enumerate().map(|(at, byte)| if at == 40 { byte ^ 1 } else { *byte }).collect();
    let der = [&[0x30, 0x44, 0x02, 0x20][..], &own[..32], &[0x02, 0x20], &own[32..]].concat();
    for (trick, signature) in [
        ("r = s = 0", vec![0; 64]),
        ("r = 0", [&[0; 32], &own[32..]].concat()),
        ("s = 0", [&own[..32], &[0; 32]].concat()),
        ("all ones", vec![0xff; 64]),
        ("one bit", flipped),
        ("DER", der),
        ("short", own[..63].to_vec()),
        ("long", [&own[..], &[0]].concat()),
    ] {
        attack.assert_denied(trick, &format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))).await;
    }
    let other =
        KeyMaterial::generate(KeyId::made_at(attack.service.now()), jea_auth::domain::signing_key::Algorithm::Es256)
            .unwrap();
    let signature =
        crypto::sign(message.as_bytes(), &EncodingKey::from_ec_der(&other.private), Algorithm::ES256).unwrap();
    attack.assert_denied("somebody else's key", &format!("{message}.{signature}")).await;
}

// Checks 24, 25, 28.
#[tokio::test]
async fn no_trick_with_the_header_passes() {
    let attack = Attack::new().await;
    for change in [
        json!({"crit": []}),
        json!({"crit": ["exp"]}),
        json!({"b64": false, "crit": ["b64"]}),
        json!({"jku": "http://127.0.0.1:1/jwks.json"}),
        json!({"x5u": "http://127.0.0.1:1/cert.pem"}),
        json!({"jwk": serde_json::to_value(&attack.jwk).unwrap()}),
        json!({"x5c": ["MIIB"]}),
        json!({"x5t": "x"}),
        json!({"zip": "DEF"}),
        json!({"enc": "A256GCM"}),
        json!({"cty": "JWT"}),
        json!({"nonce": "x"}),
        json!({"typ": null}),
        json!({"typ": "jwt"}),
        json!({"typ": "at+jwt"}),
        json!({"typ": 1}),
        json!({"kid": null}),
        json!({"kid": 1}),
        json!({"kid": ["1"]}),
        json!({"kid": ""}),
        json!({"kid": "1"}),
        json!({"kid": "1".repeat(33)}),
        json!({"kid": "../../dev/null"}),
        json!({"kid": "' OR '1'='1"}),
        json!({"kid": "service-secret"}),
        json!({"kid": format!("{} ", attack.header["kid"].as_str().unwrap())}),
        json!({"alg": ["ES256"]}),
        json!({"alg": null}),
    ] {
        attack.assert_denied(&change.to_string(), &attack.with_header(&change)).await;
    }
    let header = attack.header.to_string();
    for (trick, header) in [
        ("duplicate alg", header.replacen('{', r#"{"alg":"none","#, 1)),
        ("duplicate kid", header.replacen('{', r#"{"kid":"1","#, 1)),
        ("array", format!("[{header}]")),
        ("text", "\"x\"".to_owned()),
        ("nothing", String::new()),
        ("trailing", format!("{header}{{}}")),
        ("BOM", format!("\u{feff}{header}")),
    ] {
        attack.assert_denied(trick, &attack.sign(&header, &attack.claims.to_string())).await;
    }
}

// Checks 26, 27, 28.
#[tokio::test]
async fn no_trick_with_the_claims_passes() {
    let attack = Attack::new().await;
    let now = attack.service.now().seconds();
    let mut changes = vec![
        json!({"iss": "https://evil.example"}),
        json!({"iss": [attack.claims["iss"]]}),
        json!({"aud": "https://evil.example"}),
        json!({"aud": [attack.claims["aud"]]}),
        json!({"sub": ""}),
        json!({"sub": "somebody-else"}),
        json!({"sub": 1}),
        json!({"sid": ""}),
        json!({"sid": "no-such-session"}),
        json!({"jti": ""}),
        json!({"exp": now - 6}),
        json!({"exp": u64::MAX}),
        json!({"exp": -1}),
        json!({"exp": 1e300}),
        json!({"exp": 2_000_000_000.5}),
        json!({"exp": (now + 60).to_string()}),
        json!({"exp": now + 12 * 3600 + 6}),
        json!({"iat": now + 6, "auth_time": now}),
        json!({"iat": 0}),
        json!({"auth_time": now + 3600}),
        json!({"nbf": 0}),
        json!({"scope": "admin"}),
        json!({"role": "admin"}),
    ];
    for claim in ["iss", "aud", "sub", "sid", "jti", "iat", "exp", "auth_time"] {
        changes.push(json!({claim: null}));
        changes.push(json!({claim: {}}));
        changes.push(json!({claim: true}));
    }
    for change in changes {
        attack.assert_denied(&change.to_string(), &attack.with_claims(&change)).await;
    }
    let claims = attack.claims.to_string();
    for (trick, claims) in [
        ("duplicate sub", claims.replacen('{', r#"{"sub":"admin","#, 1)),
        ("duplicate exp", claims.replacen('{', r#"{"exp":99999999999,"#, 1)),
        ("array", format!("[{claims}]")),
        ("depth", format!("{}{}", r#"{"a":"#.repeat(200), "}".repeat(200))),
        ("trailing", format!("{claims}x")),
        ("null", "null".to_owned()),
    ] {
        attack.assert_denied(trick, &attack.sign(&attack.header.to_string(), &claims)).await;
    }
}

// Check 29.
#[tokio::test]
async fn no_other_spelling_of_a_good_token_passes() {
    let attack = Attack::new().await;
    let good = &attack.token;
    let parts: Vec<&str> = good.split('.').collect();
    let [header, claims, signature] = parts[..] else { panic!("three parts") };
    for (trick, token) in [
        ("padding", format!("{good}==")),
        ("padding inside", format!("{header}=.{claims}.{signature}")),
        ("no-break space", format!("{good}\u{a0}")),
        ("blank inside", format!("{header} .{claims}.{signature}")),
        ("line end", format!("{header}\n.{claims}.{signature}")),
        ("two parts", format!("{header}.{claims}")),
        ("four parts", format!("{good}.{signature}")),
        ("five parts, as a JWE has", format!("{header}.{claims}.{signature}.{claims}.{signature}")),
        ("empty header", format!(".{claims}.{signature}")),
        ("empty claims", format!("{header}..{signature}")),
        ("percent-encoding", good.replacen('.', "%2E", 1)),
        ("two pairs of quotes", format!("\"\"{good}\"\"")),
        ("half a pair of quotes", format!("\"{good}")),
        ("single quotes", format!("'{good}'")),
        (
            "standard alphabet",
            format!(
                "{header}.{claims}.{}",
                signature.replace('-', "+").replace('_', "/").replacen(|c: char| c.is_alphanumeric(), "/", 1)
            ),
        ),
        ("JSON", json!({"protected": header, "payload": claims, "signature": signature}).to_string()),
        ("twice", format!("{good},{good}")),
        ("full-width dot", good.replacen('.', "\u{ff0e}", 1)),
    ] {
        attack.assert_denied(trick, &token).await;
    }
}

// Check 30.
#[tokio::test]
async fn a_megabyte_of_token_is_refused_before_it_is_parsed() {
    let attack = Attack::new().await;
    let megabyte = attack.with_claims(&json!({"sub": "x".repeat(1 << 20)}));
    // The other is no token at all, as parsing would find.
    for token in [megabyte, "?".repeat(1 << 20)] {
        let log = Log::default();
        attack.assert_denied("a megabyte", &token).with_subscriber(log.subscriber()).await;
        let log = log.text();
        let reason = format!("reason=\"longer than {TOKEN_MAX_BYTES} bytes\"");
        assert_eq!(log.matches(&reason).count(), 2, "{log}");
    }
}
