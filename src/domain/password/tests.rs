mod imported;

use super::{
    scheme::{ITERATIONS_CAP, MEMORY_KIB_CAP, PARALLELISM_CAP},
    *,
};
use crate::domain::secret::clears_itself;

fn hashed(hasher: &Hasher, password: &str) -> PasswordHash {
    hasher.hash(&Password::new(password), [7; SALT_BYTES]).unwrap()
}

// Check 9.
#[test]
fn a_password_clears_itself() {
    let Password { text, sent } = &Password::new("a password");
    clears_itself(text);
    clears_itself(sent);
}

#[test]
fn the_right_password_matches_and_another_does_not() {
    let hasher = Hasher::default();
    let hash = hashed(&hasher, "correct horse battery staple");
    assert_eq!(hasher.verify(&Password::new("correct horse battery staple"), Some(&hash)), Verification::Match);
    assert_eq!(hasher.verify(&Password::new("correct horse battery stapler"), Some(&hash)), Verification::Mismatch);
    assert_eq!(hasher.verify(&Password::new("correct horse battery staple"), None), Verification::Mismatch);
}

/// The engine of the log-on's own hash, where there is one, against the crate that computes all others.
#[test]
fn both_engines_give_the_same_bytes() {
    use proptest::strategy::{Strategy, ValueTree};
    let (hasher, mut runner) = (Hasher::default(), proptest::test_runner::TestRunner::deterministic());
    let params = Params::new(MEMORY_KIB, ITERATIONS, PARALLELISM, Some(HASH_BYTES)).unwrap();
    assert_eq!(hasher.engine.checked().is_some(), cfg!(target_arch = "x86_64"), "it passes RFC 9106's test vector");
    let inputs = (proptest::collection::vec(proptest::num::u8::ANY, 0..=PASSWORD_MAX_BYTES), proptest::num::u128::ANY);
    for _ in 0..100 {
        let (password, salt) = inputs.new_tree(&mut runner).unwrap().current();
        let salt = salt.to_be_bytes();
        let mut expected = [0; HASH_BYTES];
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
        argon2.hash_password_into(&password, &salt, &mut expected).unwrap();
        let computed = hasher.compute(Algorithm::Argon2id, Version::V0x13, &params, &password, &salt).unwrap();
        assert_eq!(*computed, expected);
    }
}

// NIST SP 800-63B-4, RFC 8265
// Check 5.
#[test]
fn spellings_of_one_password_are_equal_but_case_and_nul_make_a_difference() {
    let hasher = Hasher::default();
    let hash = hashed(&hasher, "caf\u{e9} au lait");
    assert_eq!(hasher.verify(&Password::new("cafe\u{301} au lait"), Some(&hash)), Verification::Match);
    assert_eq!(hasher.verify(&Password::new("Caf\u{e9} au lait"), Some(&hash)), Verification::Mismatch);
    assert_eq!(hasher.verify(&Password::new("caf\u{e9} au lait\u{0}"), Some(&hash)), Verification::Mismatch);
}

// Check 4.
#[test]
fn a_password_of_the_longest_length_works_whole_and_one_byte_more_never_matches() {
    let hasher = Hasher::default();
    let longest = "x".repeat(PASSWORD_MAX_BYTES);
    let hash = hashed(&hasher, &longest);
    assert_eq!(hasher.verify(&Password::new(&longest), Some(&hash)), Verification::Match);
    let last_differs = format!("{}y", &longest[1..]);
    assert_eq!(hasher.verify(&Password::new(&last_differs), Some(&hash)), Verification::Mismatch);
    let longer = format!("{longest}x");
    assert!(Password::new(&longer).is_too_long());
    assert_eq!(hasher.verify(&Password::new(&longer), Some(&hash)), Verification::Mismatch);
}

// Check 8.
#[test]
fn parameters_are_those_of_owasp_for_hash_and_decoy_alike() {
    assert_eq!((MEMORY_KIB, ITERATIONS, PARALLELISM), (19_456, 2, 1));
    let hash = hashed(&Hasher::default(), "x");
    assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.as_str());
    assert!(Scheme::parse(DECOY).unwrap().is_ours());
}

#[test]
fn a_hash_with_older_parameters_matches_as_outdated() {
    let hasher = Hasher::default();
    let password = Password::new("x");
    let params = Params::new(8192, 1, 1, Some(32)).unwrap();
    let output = hasher.compute(Algorithm::Argon2id, Version::V0x13, &params, b"x", b"saltsaltsalt").unwrap();
    let hash = phc::PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: (&params).try_into().unwrap(),
        salt: Some(phc::Salt::new(b"saltsaltsalt").unwrap()),
        hash: Some(phc::Output::new(&output).unwrap()),
    };
    let hash = PasswordHash::parse(&hash.to_string()).unwrap();
    assert_eq!(hasher.verify(&password, Some(&hash)), Verification::MatchOutdated);
    assert_eq!(hasher.verify(&Password::new("y"), Some(&hash)), Verification::Mismatch);
}

// Check 8.
#[test]
fn parameters_just_at_the_cap_are_computed_and_beyond_it_refused() {
    let with = |m: u32, t: u32, p: u32| {
        PasswordHash::parse(&format!(
            "$argon2id$v=19$m={m},t={t},p={p}$c2FsdHNhbHRzYWx0$1fdJ3LqCH6Iu1iZkSrwsrT3j94ZpCa6ptS0v7BH1W8c"
        ))
        .is_ok()
    };
    assert!(with(MEMORY_KIB_CAP, 8, PARALLELISM_CAP) && with(209_715, ITERATIONS_CAP, PARALLELISM_CAP));
    assert!(!with(MEMORY_KIB_CAP, 9, 1) && !with(209_716, ITERATIONS_CAP, 1), "memory by passes");
    assert!(with(102_400, 2, 8), "Django's default");
    assert!(!with(MEMORY_KIB_CAP + 1, 1, 1));
    assert!(!with(8192, ITERATIONS_CAP + 1, 1));
    assert!(!with(8192, 1, PARALLELISM_CAP + 1));
}

#[test]
fn text_that_is_no_argon2_hash_is_refused() {
    for text in [
        "",
        "password",
        "$2b$12$abc",
        "$2x$05$CCCCCCCCCCCCCCCCCCCCC.ofufHF.ui6jOJLt/12y1vRz03EwUk2W",
        "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0",
        "$scrypt$ln=14$abc$def",
    ] {
        assert_eq!(PasswordHash::parse(text).err(), Some(UnusableHash), "{text}");
    }
}

/// Made with Python's hashlib, bcrypt and argon2-cffi.
const IMPORTED: [&str; 10] = [
    "$2a$05$CCCCCCCCCCCCCCCCCCCCC.ofufHF.ui6jOJLt/12y1vRz03EwUk2W",
    "$2b$05$CCCCCCCCCCCCCCCCCCCCC.ofufHF.ui6jOJLt/12y1vRz03EwUk2W",
    "$2y$05$CCCCCCCCCCCCCCCCCCCCC.ofufHF.ui6jOJLt/12y1vRz03EwUk2W",
    "$argon2d$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$/QImjYEBIJwAR0x2W7B7ERnGMO04a8ot04Jy9vXlmnM",
    "$argon2i$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$YxRMr8QWeUHdN8Cv9+C0xjH28O0J2Q9inbVWdGFL1qw",
    "$pbkdf2$1000$MDEyMzQ1Njc4OWFiY2RlZg$Z9gmGzoozvnlCqtpDCaVxStDFDU",
    "$pbkdf2-sha256$i=1000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$RUoMJN/OBFRTMQxZJj6jXAam6EvmEwu7ks2Vb8Z6nRw",
    "$pbkdf2-sha256$1000$MDEyMzQ1Njc4OWFiY2RlZg$RUoMJN/OBFRTMQxZJj6jXAam6EvmEwu7ks2Vb8Z6nRw",
    "$pbkdf2-sha512$1000$MDEyMzQ1Njc4OWFiY2RlZg$nj2kilXUjm0XcmIHqx60oO1lcqRFGtzrL8epETKx7KPS4xbY.lueOgPD45HbKz.Kmp.qJwyH1Kws7l.t7EnqZQ",
    "$scrypt$ln=10,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$2Jebo09aMByWxTPv0C8xN2wATm1ip/b7YG95bWHCB0Q",
];

// Check 11.
#[test]
fn imported_hashes_match_as_outdated() {
    let hasher = Hasher::default();
    for text in IMPORTED {
        let hash = PasswordHash::parse(text).unwrap();
        assert_eq!(
            hasher.verify(&Password::new("an imported password"), Some(&hash)),
            Verification::MatchOutdated,
            "{text}"
        );
        assert_eq!(
            hasher.verify(&Password::new("an imported passwore"), Some(&hash)),
            Verification::Mismatch,
            "{text}"
        );
        assert!(!hash.is_current());
    }
}

// Check 8.
#[test]
fn imported_parameters_just_at_the_cap_are_computed_and_beyond_it_refused() {
    let is_taken = |text: &str| PasswordHash::parse(text).is_ok();
    let bcrypt = |cost: &str| is_taken(&IMPORTED[1].replace("$05$", &format!("${cost}$")));
    assert!(bcrypt("14") && !bcrypt("15") && !bcrypt("31") && !bcrypt("99"));
    let pbkdf2 = |rounds: &str| is_taken(&IMPORTED[7].replace("$1000$", &format!("${rounds}$")));
    assert!(pbkdf2("4000000") && !pbkdf2("4000001") && !pbkdf2("0") && !pbkdf2("-1") && !pbkdf2("99999999999"));
    assert!(!is_taken(&IMPORTED[6].replace("l=32", "l=31")), "a length that is not the hash's");
    let scrypt = |parameters: &str| is_taken(&IMPORTED[9].replace("ln=10,r=8,p=1", parameters));
    assert!(
        scrypt("ln=18,r=8,p=4") && !scrypt("ln=19,r=8,p=1") && !scrypt("ln=18,r=9,p=1") && !scrypt("ln=18,r=8,p=5")
    );
    assert!(
        scrypt("ln=16,r=8,p=16")
            && !scrypt("ln=10,r=8,p=17")
            && scrypt("ln=1,r=131072,p=16")
            && !scrypt("ln=1,r=131073,p=16")
    );
    assert!(
        !scrypt("ln=63,r=8,p=1") && !scrypt("ln=64,r=8,p=1") && !scrypt("ln=10,r=8") && !scrypt("ln=10,ln=10,r=8,p=1")
    );
    let short = |text: &str| is_taken(&format!("{}$MDEyMzQ1Njc4OWFi", text.rsplit_once('$').unwrap().0));
    assert!(!short(IMPORTED[7]) && !short(IMPORTED[9]) && !short(IMPORTED[3]), "an output of 12 bytes");
}

#[test]
fn a_hash_is_current_if_it_has_the_current_parameters() {
    assert!(hashed(&Hasher::default(), "a password").is_current());
    let older = hashed(&Hasher::default(), "a password").as_str().replace("t=2", "t=1");
    assert!(!PasswordHash::parse(&older).unwrap().is_current());
    let of_another_password = hashed(&Hasher::default(), "a password").as_str().replace("t=2", "t=3");
    assert!(PasswordHash::parse(&of_another_password).unwrap().is_current(), "it is stronger");
}

// Check 8.
#[test]
fn steps_just_at_their_caps_are_computed_and_beyond_them_refused() {
    let core = "$argon2id$v=19$m=19456,t=2,p=1$k9LrLOzVsq1B1mKYDcXhMQ$1fdJ3LqCH6Iu1iZkSrwsrT3j94ZpCa6ptS0v7BH1W8c";
    let is_taken = |steps: &str| PasswordHash::parse(&format!("$after${steps}{core}")).is_ok();
    for steps in [
        "wordpress,iterated:md5:20:MDEyMzQ1Njc",
        "digest:md5:hex::,iterated:sha512:15:MDEyMzQ1Njc",
        "sha-crypt:512:1000000:MDEyMzQ1Njc",
        "sha-crypt:256:1000:MDEyMzQ1Njc",
        "digest:sha1:raw:MDEy:MDEy",
        "hmac:sha384:MDEy",
        "append:MDEy",
        "append:MDEy,append:MDEy,append:MDEy,append:MDEy",
    ] {
        assert!(is_taken(steps), "{steps}");
    }
    for steps in [
        "",
        "nothing",
        "iterated:md5:21:MDEyMzQ1Njc",
        "sha-crypt:512:1000001:MDEyMzQ1Njc",
        "sha-crypt:512:999:MDEyMzQ1Njc",
        "sha-crypt:512:5000:MDEy,iterated:md5:13:MDEy",
        "digest:sha1:text::",
        "digest:sha224:raw::",
        "hmac:sha1:MDEy",
        "append:=",
        "append:MDEy,append:MDEy,append:MDEy,append:MDEy,append:MDEy",
    ] {
        assert!(!is_taken(steps), "{steps}");
    }
    for (yescrypt, expected) in [("j9T", true), ("jHT", false), ("j95.0", false), ("/9T", false), ("x", false)] {
        let text = format!("$yescrypt${yescrypt}$MDEyMzQ1Njc4OWFiY2RlZg$RUoMJN/OBFRTMQxZJj6jXAam6EvmEwu7ks2Vb8Z6nRw");
        assert_eq!(PasswordHash::parse(&text).is_ok(), expected, "{yescrypt}");
    }
}
