//! Values that the systems themselves have written, of `correct horse battery staple 42` where no other password is
//! named.

use super::*;

const PASSWORD: &str = "correct horse battery staple 42";
const LONG: &str = "eighty characters make a long pass phrase that goes on past seventy-two bytes ok";

fn verify(password: &str, hash: &PasswordHash) -> Verification {
    Hasher::default().verify(&Password::new(password), Some(hash))
}

/// The right password matches and is hashed anew, and none that is like it matches.
fn assert_fits(system: &str, password: &str, hash: &PasswordHash) {
    assert_eq!(verify(password, hash), Verification::MatchOutdated, "{system}: {}", hash.as_str());
    for wrong in [format!("{password}x"), format!("x{password}"), password.to_uppercase(), format!("{password}\0")] {
        assert_eq!(verify(&wrong, hash), Verification::Mismatch, "{system}: {wrong:?} with {}", hash.as_str());
    }
    assert!(!hash.is_current(), "{system}");
}

const SLOW: [(&str, &str); 21] = [
    ("WordPress 6.8", "$wp$2y$10$Hn9VqK1maUCB63DNOqfp.OMFFU9fzTtowuoLY2DfIozysE2xdvwqG"),
    (
        "better-auth",
        "08f9a5b3f58bc716f881466169886ad7:e2339805b2c847893a1778350c21014aa713c0459ae46cd9dba9f7e7c46ffc1106be12f08f9d2f9d8c8659ad65a8734cfd7201b6cc19207b5d1fc5146969e847",
    ),
    (
        "Dovecot",
        "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$FZi1nUxIjbPLDSgXAk+voA$W9GSl89GIjT/7ddrQuina9OVF+curRNtQ2gq2lWbwFY",
    ),
    (
        "Nextcloud",
        "3|$argon2id$v=19$m=65536,t=4,p=1$UDhTOXJWR1ZkWFNOVEtGcw$Fw580eQBNyWbgb36ZYLvap6JXNqxWyn1mjjVvcM2p7M",
    ),
    ("Dovecot", "{BLF-CRYPT}$2y$05$TzutU4tO2hCdqDAg2jRYz.mcasAnSKjJ5dj5bhjTAcI.oqXJztnM6"),
    ("Dovecot", "{PBKDF2}$1$Cd1gwgJrQwxelV6Z$5000$cb9d488fb8312a66962ebd738877d5469d57ad1d"),
    ("Django", "bcrypt_sha256$$2b$12$CoZv8/Eakz.ezRyhKQvWZOs4YwaK3m.wKFVOr0POsvDVVPWKKbnHG"),
    ("passlib", "$bcrypt-sha256$v=2,t=2b,r=12$CR9SWt1y7fau8XtBrhLODu$ByL0rQCBJxkoM6jnmmmTmOE.0QLc9OW"),
    ("Unix", "$y$j9T$yX6YOpJX1LvI8fDUWFYKP/$GlwdeA.3.cgNu8AZ3z6EWbejNxgXxTXeWPqGuqIl1c."),
    ("Unix", "$7$CU..../....moJJexwxoW3zBLfZh0YX31$pLea3gSBrIYxtniiZIsB0NXJJf.hUvQQGZK8i732FG2"),
    (
        "MediaWiki",
        ":pbkdf2:sha512:30000:64:r+BpTbiqfSo56TD1Nj9bQg==:/YPQggUgzWqX7XdL5BAF+Qae52Dv/UtYU6rAr2CaJcuIOsoifSzOrnMSbkv3eoFgIUBXmfoTZJUn7SDQ3kWr7w==",
    ),
    (
        "Medusa",
        "c2NyeXB0AA8AAAAIAAAAAalcn2hpPSpACX3j+WMfau5uL6ZL2hg90eVNJUlnovYccSY+i7PEGrTYDD7OhHgjrs++3dXtcKVm4ppyP42++wZYW37F2rhb4cyPNet84LMh",
    ),
    (
        "AdonisJS",
        "$scrypt$n=16384,r=8,p=1$8cRFaUzhdsY9U3oRQpuSAA$JjPjxrThrT/dHQBOaHQNxLK6jGY+hxjB/bN3AAaIgGsqDpMynS+mVWZCQlAQYkyLLHa5yR5rUun7kWTIUEa1/w",
    ),
    ("Galaxy", "PBKDF2$sha256$100000$nvEwpMZquv+yKCSp$CEcn36Q6rCcVlXBQcYKR9Pbg+OkgHZet"),
    ("py4web", "pbkdf2(1000,20,sha512)$896ec4c7f7f9d64a$f036bf906c97189c5f087156ea4a9b757babcfc5"),
    (
        "SCRAM",
        "{SCRAM-SHA-256}4096,ta09C/O3rHImTcc4+0+fyg==,nCCEi8ZCpTKZKopuhxPUCMydR9KO33dT4+RNNGx5TzI=,o8KDVLbg+5D53shwJgFD575/dt9dwTP5/eR591aQjUQ=",
    ),
    (
        "PostgreSQL",
        "SCRAM-SHA-256$4096:ta09C/O3rHImTcc4+0+fyg==$nCCEi8ZCpTKZKopuhxPUCMydR9KO33dT4+RNNGx5TzI=:o8KDVLbg+5D53shwJgFD575/dt9dwTP5/eR591aQjUQ=",
    ),
    ("Python's csv", "b'$2b$12$VAcdgBExDM2HlVpqEpv4Xe/8BLZPLodVriGf3QKCj40cI3.GD7Wla'"),
    (
        "Flask-AppBuilder",
        "scrypt:32768:8:1$bZLuuUEDbYETKiul$58ed42d31e2659608aa6d60ad5edfffcf2267982fb6a6614c8935f6298d00854eb177e83ac4d08c6f46cba2f8d4a672786ef1f96c473c4415c90e232db8d386e",
    ),
    ("Symfony", "$2y$13$zodOMqljltGg.kjT3oiUReMa7W7b9VahZK3caXJJyR.yEkqu5qBaS"),
    // Of RFC 7677, whose password is `pencil`, with other keys: see below.
    ("Dovecot", "{CRYPT}$y$j9T$yX6YOpJX1LvI8fDUWFYKP/$GlwdeA.3.cgNu8AZ3z6EWbejNxgXxTXeWPqGuqIl1c."),
];

/// A stronger Argon2id stays as it is.
const KEPT: [&str; 2] = ["{ARGON2ID}", "3|$argon2id"];

// Check 11.
#[test]
fn slow_hashes_of_more_systems_fit_their_passwords() {
    for (system, text) in SLOW {
        let hash = stored(text);
        if KEPT.iter().any(|kept| text.starts_with(kept)) {
            assert_eq!(verify(PASSWORD, &hash), Verification::Match, "{system}");
            assert_eq!(verify(&format!("{PASSWORD}x"), &hash), Verification::Mismatch, "{system}");
            continue;
        }
        // bcrypt itself repeats what is before a NUL, which the tests of the service's own spelling hold.
        assert_eq!(verify(PASSWORD, &hash), Verification::MatchOutdated, "{system}: {text}");
        for wrong in [format!("{PASSWORD}x"), PASSWORD.to_uppercase()] {
            assert_eq!(verify(&wrong, &hash), Verification::Mismatch, "{system}: {text}");
        }
    }
    let rfc = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
    assert_eq!(verify("pencil", &stored(rfc)), Verification::MatchOutdated, "RFC 7677, section 3");
    let rfc = "{SCRAM-SHA-1}4096,QSXCR+Q6sek8bf92,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,D+CSWLOshSulAsxiupA+qs2/fTE=";
    assert_eq!(verify("pencil", &stored(rfc)), Verification::MatchOutdated, "RFC 5802, section 5");
}

const FAST: [(&str, &str); 9] = [
    ("WordPress", "$P$B3Qy9FdHgrnkeX6HV1Z21XPWYcLjAw0"),
    ("phpBB", "$H$6KJKT3vpjuseJ8EbEsUW2qAlQRqt/l0"),
    (
        "Unix",
        "$6$3nkQPML4G0.xSQOF$hyC22LzraUYSHBei9pEuBnAaSMAd9trFwXXsJ6Ne/Xq5GIAwFLY8Q.DqUopV6wig6n2jAyh9MnU8o54dGiKtf1",
    ),
    ("Unix", "$5$dpPQkjw9vWjM5vzo$3OxXIdBIPcWmckl5WHdJ3iAdSHXOj5gR11N1j1xfBA8"),
    (
        "Dovecot",
        "{SHA512-CRYPT}$6$3nkQPML4G0.xSQOF$hyC22LzraUYSHBei9pEuBnAaSMAd9trFwXXsJ6Ne/Xq5GIAwFLY8Q.DqUopV6wig6n2jAyh9MnU8o54dGiKtf1",
    ),
    ("Zope", "{SSHA}6+UYk0We1BI2LcpjfzXbv2a0BV6jqD+u"),
    ("LDAP", "{SSHA512}QzCD9O4eNA1T6b8hW7f4mKa1pwhtXh+nxrvAn59t22EoRR5EttGhWXd/aXv7Ae76mDvnNnmgvWq3RSWWLXKoBhpW9bU="),
    ("Drupal 7", "$S$DNv5N45ey8gx3P7SIlWMWYDC8nFjLkGvwvWgxziNfmTnERDHQUhc"),
    ("MediaWiki", ":B:ukpUMh8G:8f43c482fa13365c71de73fd6f0a14a1"),
];

// Check 11.
#[test]
fn fast_hashes_are_stored_below_argon2id_and_fit_their_passwords() {
    for (system, text) in FAST {
        let hash = stored(text);
        assert_eq!(stored(hash.as_str()).as_str(), hash.as_str(), "as an export has it");
        assert!(
            hash.as_str().starts_with("$after$") && hash.as_str().contains("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{system}"
        );
        assert_eq!(verify(PASSWORD, &hash), Verification::MatchOutdated, "{system}: {text}");
        for wrong in [format!("{PASSWORD}x"), PASSWORD.to_uppercase()] {
            assert_eq!(verify(&wrong, &hash), Verification::Mismatch, "{system}: {text}");
        }
    }
    // RFC 2307's form with a salt of 8 bytes; Drupal's of what had MD5 before. Made with Python's hashlib.
    for (password, text) in [("secret", SSHA256), (PASSWORD, DRUPAL_OF_MD5)] {
        assert_eq!(verify(password, &stored(text)), Verification::MatchOutdated, "{text}");
        assert_eq!(verify("secrets", &stored(text)), Verification::Mismatch, "{text}");
    }
    let beyond = refused(
        "$6$rounds=1000001$3nkQPML4G0.xSQOF$hyC22LzraUYSHBei9pEuBnAaSMAd9trFwXXsJ6Ne/Xq5GIAwFLY8Q.DqUopV6wig6n2jAyh9MnU8o54dGiKtf1",
    );
    assert!(beyond.contains("not a hash of SHA-crypt as it is known here, of at most 1,000,000 rounds"), "{beyond}");
}

// Check 74.
#[test]
fn a_password_of_wordpress_may_have_quotes_and_blanks_at_its_ends() {
    let quoted = "ann's correct horse battery";
    for text in
        ["$P$BSMwxODzzw2kX5LlIQcR0pzKTnxaPt0", "$wp$2y$10$tzPCG05N2khrF7fa7r3aKe/LViqG/36vQhM4XPIDbTB17RS8loqh2"]
    {
        let hash = stored(text);
        assert_eq!(verify(quoted, &hash), Verification::MatchOutdated, "{text}");
        assert_eq!(verify("anns correct horse battery", &hash), Verification::Mismatch, "{text}");
        // What the forms there would have trimmed, or made of another text, is let in and not made the password.
        for alike in [format!(" {quoted}\n"), "ann\\'s correct horse battery".to_owned()] {
            assert_eq!(verify(&alike, &hash), Verification::Match, "{text}: {alike:?}");
        }
    }
}

// Check 11.
#[test]
fn symfony_s_bcrypt_of_a_long_password_is_of_all_of_it() {
    let hash = stored("$2y$13$CuLKqDSULrRxgmY31aSL4.CigATjwxvabmU6GXseLhFfYaTT0BJpu");
    assert_eq!(verify(LONG, &hash), Verification::MatchOutdated);
    assert_eq!(verify(&format!("{}x", &LONG[..79]), &hash), Verification::Mismatch);
}

// Check 11.
#[test]
fn firebase_s_hash_fits_with_the_parameters_of_its_project() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hash_config");
    let config = "hash_config {\n  algorithm: SCRYPT,\n  base64_signer_key: wOmqzadMQLYtBjuuJw3zk6P2CLSpQWzWDzM1kPVo05SISUsH7I6CVAMriYCtnBLFvi163/fU50ARCMKiwa7VIQ==,\n  base64_salt_separator: Bw==,\n  rounds: 8,\n  mem_cost: 14,\n}\n";
    std::fs::write(&file, config).unwrap();
    let secrets = Secrets::read(Some(&file), None).unwrap();
    let (hash, salt) = (
        "+7D5+JPvAkBNFk+A3YgLt5IEQbhSW05OHVOZvLTZuSytWNhxPVoQCBGBC5QBOf/sDPg3Jo1v4PvsDCramoaafw==",
        "MDEyMzQ1Njc4OWFi",
    );
    assert!(matches!(parse(hash, Some(salt), &secrets), Ok(Imported::Secret(_))), "it is stored sealed");
    assert_fits("Firebase", PASSWORD, &with(hash, Some(salt), &secrets));
    let without = parse(hash, Some(salt), &Secrets::default()).err().unwrap();
    assert!(without.contains("needs --hash-config"), "{without}");
    std::fs::write(&file, config.replace("rounds", "round")).unwrap();
    assert!(Secrets::read(Some(&file), None).is_err());
}

// Check 11.
#[test]
fn a_pepper_stands_behind_bcrypt_and_is_the_key_before_argon2() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pepper");
    for (system, pepper, text) in [
        ("Synapse", "EVEN_MORE_SECRET\n", "$2b$10$nNh3Gw33NWA4UmFfotO2meXTG2BHGaf2RbtpU1LGJSvzUgj./yQFy"),
        ("Devise", "pepperpepperpepperpepper\r\n", "$2a$10$/6UveG8A6N148PsEiZE3UO/.RENYp0IR0u6rk.J96gkJ87Nwa8ePm"),
    ] {
        std::fs::write(&file, pepper).unwrap();
        let secrets = Secrets::read(None, Some(&file)).unwrap();
        assert!(matches!(parse(text, None, &secrets), Ok(Imported::Secret(_))), "{system}: it is stored sealed");
        assert_fits(system, PASSWORD, &with(text, None, &secrets));
        assert_eq!(verify(PASSWORD, &stored(text)), Verification::Mismatch, "{system}: without the pepper");
    }
    // A stronger Argon2id is replaced too, so that it needs no pepper any more.
    let password = "a strong password";
    std::fs::write(&file, "a salt of all").unwrap();
    let secrets = Secrets::read(None, Some(&file)).unwrap();
    let mac = aws_lc_rs::hmac::sign(
        &aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA512, b"a salt of all"),
        password.as_bytes(),
    );
    let mac = base64::engine::general_purpose::STANDARD.encode(mac.as_ref());
    let stronger = Hasher::default().hash(&Password::new(&mac), [7; 16]).unwrap();
    assert_fits("Flask-Security", password, &with(stronger.as_str(), None, &secrets));
    let other = parse("PBKDF2$sha256$100000$nvEwpMZquv+yKCSp$CEcn36Q6rCcVlXBQcYKR9Pbg+OkgHZet", None, &secrets);
    assert!(other.err().unwrap().contains("with --pepper-file a hash is bcrypt or Argon2"));
    std::fs::write(&file, "\n").unwrap();
    assert!(Secrets::read(None, Some(&file)).is_err(), "an empty pepper");
}

// Check 11.
#[test]
fn payload_s_hash_has_its_salt_beside_it() {
    let (salt, hash) = (
        "b0e24851e2f45c8b52d96e65f0ca6de013c9d48b278b191c65c28035681070b8",
        "pbkdf2-sha256-v1:5592922879e61f9f54dad520964dcad7e30fb291602bd01177d60632d79d9e9d",
    );
    assert_eq!(verify(PASSWORD, &with(hash, Some(salt), &Secrets::default())), Verification::MatchOutdated);
    // The old form: 25,000 rounds and 512 bytes.
    let mut old = [0; 512];
    let rounds = std::num::NonZeroU32::new(25_000).unwrap();
    aws_lc_rs::pbkdf2::derive(
        aws_lc_rs::pbkdf2::PBKDF2_HMAC_SHA256,
        rounds,
        salt.as_bytes(),
        PASSWORD.as_bytes(),
        &mut old,
    );
    let old = data_encoding::HEXLOWER.encode(&old);
    assert_eq!(verify(PASSWORD, &with(&old, Some(salt), &Secrets::default())), Verification::MatchOutdated);
    assert!(refused(hash).contains("no hash that is known here"), "without its salt");
}

// Check 5.
#[test]
fn a_password_in_compatibility_forms_fits() {
    // better-auth's own, of NFKC, and one of `ﬁnal answer of ﬁve words Ⅳ` in NFKC by bcrypt.
    let typed = "\u{fb01}nal answer of \u{fb01}ve words \u{2163}";
    let hash = stored(
        "1c3eae5ffa4dd47607b2f567a37f3c86:2291ea2dd97bab747556e24e46714544939a46f61005da854329f84674452f35b550729e44fea155ae68744a146fbb2b68028281c71b59a173d2f07d961bdebb",
    );
    assert_eq!(verify(typed, &hash), Verification::MatchOutdated);
    assert_eq!(verify("final answer of five words IV", &hash), Verification::MatchOutdated, "what NFKC makes of it");
}

const SSHA256: &str = "{SSHA256}oBmrdHcA6OZEkkCLeXh71YAerbvhXz1qqwjrPsXmEtNzYWx0c2FsdA==";
const DRUPAL_OF_MD5: &str = "U$S$5abcdEFGHyl1LnNEIVGQFsZhfj877PuyTL2YBq8dCeZCWlaFCubG";
