use super::*;

fn hashed(hasher: &Hasher, password: &str) -> PasswordHash {
    hasher.hash(&Password::new(password), [7; SALT_BYTES]).unwrap()
}

#[test]
fn the_right_password_matches_and_another_does_not() {
    let hasher = Hasher::default();
    let hash = hashed(&hasher, "correct horse battery staple");
    assert_eq!(hasher.verify(&Password::new("correct horse battery staple"), Some(&hash)), Verification::Match);
    assert_eq!(hasher.verify(&Password::new("correct horse battery stapler"), Some(&hash)), Verification::Mismatch);
    assert_eq!(hasher.verify(&Password::new("correct horse battery staple"), None), Verification::Mismatch);
}

// NIST SP 800-63B-4, RFC 8265
#[test]
fn spellings_of_one_password_are_equal_but_case_and_nul_make_a_difference() {
    let hasher = Hasher::default();
    let hash = hashed(&hasher, "caf\u{e9} au lait");
    assert_eq!(hasher.verify(&Password::new("cafe\u{301} au lait"), Some(&hash)), Verification::Match);
    assert_eq!(hasher.verify(&Password::new("Caf\u{e9} au lait"), Some(&hash)), Verification::Mismatch);
    assert_eq!(hasher.verify(&Password::new("caf\u{e9} au lait\u{0}"), Some(&hash)), Verification::Mismatch);
}

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

#[test]
fn parameters_are_those_of_owasp_for_hash_and_decoy_alike() {
    assert_eq!((MEMORY_KIB, ITERATIONS, PARALLELISM), (19_456, 2, 1));
    let hash = hashed(&Hasher::default(), "x");
    assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.as_str());
    assert!(Parsed::new(DECOY).unwrap().is_current());
}

#[test]
fn a_hash_with_older_parameters_matches_as_outdated() {
    let hasher = Hasher::default();
    let password = Password::new("x");
    let params = Params::new(8192, 1, 1, Some(32)).unwrap();
    let output = hasher.compute(Algorithm::Argon2id, Version::V0x13, &params, &password, b"saltsaltsalt").unwrap();
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

#[test]
fn parameters_just_at_the_cap_are_computed_and_beyond_it_refused() {
    let with = |m: u32, t: u32, p: u32| {
        PasswordHash::parse(&format!(
            "$argon2id$v=19$m={m},t={t},p={p}$c2FsdHNhbHRzYWx0$1fdJ3LqCH6Iu1iZkSrwsrT3j94ZpCa6ptS0v7BH1W8c"
        ))
        .is_ok()
    };
    assert!(with(MEMORY_KIB_CAP, ITERATIONS_CAP, PARALLELISM_CAP));
    assert!(!with(MEMORY_KIB_CAP + 1, ITERATIONS_CAP, PARALLELISM_CAP));
    assert!(!with(MEMORY_KIB_CAP, ITERATIONS_CAP + 1, PARALLELISM_CAP));
    assert!(!with(MEMORY_KIB_CAP, ITERATIONS_CAP, PARALLELISM_CAP + 1));
}

#[test]
fn text_that_is_no_argon2_hash_is_refused() {
    for text in
        ["", "password", "$2b$12$abc", "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0", "$scrypt$ln=14$abc$def"]
    {
        assert_eq!(PasswordHash::parse(text).err(), Some(UnusableHash), "{text}");
    }
}
