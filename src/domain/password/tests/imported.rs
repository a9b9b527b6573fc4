//! Hashes of other systems: what they cannot tell, what they are of, and how strong they are. Made with Python's
//! hashlib, bcrypt and argon2-cffi, with the salt `0123456789abcdef`; bcrypt's with `CCCCCCCCCCCCCCCCCCCCC.`.

use super::*;

fn verify(password: &str, hash: &str) -> Verification {
    Hasher::default().verify(&Password::new(password), Some(&PasswordHash::parse(hash).unwrap()))
}

/// Of `x`, as often as the number says.
const OF_LENGTH: [(usize, &str); 10] = [
    (71, "$2b$05$CCCCCCCCCCCCCCCCCCCCC.WbbLb4J7PKYWYm3biA.M18AI380Pnzu"),
    (72, "$2b$05$CCCCCCCCCCCCCCCCCCCCC.D7RDOYXakZhsFmh/LdqQNx0kQ424AFS"),
    (64, "$pbkdf2-sha1$i=1000,l=20$MDEyMzQ1Njc4OWFiY2RlZg$5RAWANTpanChvB96RSFJFIGVY8Y"),
    (65, "$pbkdf2-sha1$i=1000,l=20$MDEyMzQ1Njc4OWFiY2RlZg$TnYVpc+SwBYN5aRZ7rWqU5iBd6w"),
    (64, "$pbkdf2-sha256$i=1000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$7q7vbPmUH+GJjjSwU+JuMZsXs1sHdrjjjwv9Aga3bZE"),
    (65, "$pbkdf2-sha256$i=1000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$9PM9LLDopL+x1n1+7DqgLd+0F5aiQOacmyS7tRrweKw"),
    (
        128,
        "$pbkdf2-sha512$i=1000,l=64$MDEyMzQ1Njc4OWFiY2RlZg$1e3kpxrkJaQqorjB3C+8YLFbhiLbMRJkU9fTW7Zkfn+Ozuo7teUk5r8n497f7kVc1hUFUjG75Biw++vG1ADHUg",
    ),
    (
        129,
        "$pbkdf2-sha512$i=1000,l=64$MDEyMzQ1Njc4OWFiY2RlZg$OHyqVti3WKFF1dT2Q0QMtI35/SMbOSWKMOKoGyfVXqXpU4Usj6EQ6JUQM2VwdI+y7vgVYxDJD6bdzcHA3nhcKA",
    ),
    (64, "$scrypt$ln=10,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$Z9pDO3zpsMtERcGOHD4XbEFdt/T+4Qw8KPhRJ2cvT98"),
    (65, "$scrypt$ln=10,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$9fYrX671Fatjr4ea1/KBBmUjgMOMai55rLlHSL6LRGA"),
];

// Check 74.
#[test]
fn a_hash_that_cannot_tell_a_password_from_another_is_not_replaced() {
    for (length, hash) in OF_LENGTH {
        let password = "x".repeat(length);
        // One byte less is told apart: bcrypt reads 72, HMAC takes the hash of what is longer than its block.
        let is_told = [71, 64, 128].contains(&length);
        let expected = if is_told { Verification::MatchOutdated } else { Verification::Match };
        assert_eq!(verify(&password, hash), expected, "{length} bytes with {hash}");
        let typo = format!("{password}y");
        let of_typo =
            if hash.starts_with("$2b$") && length == 72 { Verification::Match } else { Verification::Mismatch };
        assert_eq!(verify(&typo, hash), of_typo, "{length} bytes and one more with {hash}");
    }
    for (password, expected) in [
        ("abc", Verification::MatchOutdated),
        ("abc\0abc", Verification::Match),
        ("abc\0abc\0abc", Verification::Match),
    ] {
        assert_eq!(
            verify(password, "$2b$05$CCCCCCCCCCCCCCCCCCCCC.gNn9EDJdrUJF53AHnb.4T9BCvqhUYdW"),
            expected,
            "{password:?} with bcrypt"
        );
    }
    for hash in [
        "$pbkdf2-sha1$i=1000,l=20$MDEyMzQ1Njc4OWFiY2RlZg$s94nmSNqWVp8VvHGsdtlQ7VNnO8",
        "$pbkdf2-sha256$i=1000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$sDzto3GhROdZK+r6Bwxi8SddE+aSMU6bafNgNBxLRto",
        "$pbkdf2-sha512$i=1000,l=64$MDEyMzQ1Njc4OWFiY2RlZg$5lyZExgKWN96e/ugeKrue7eBxu3gYxpI8gyZGPegO5O/GRMP5OTMZGnBb01ivpMQYD+Rfd4ARgX8AjfQfD3XwQ",
        "$scrypt$ln=10,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$/2oG5YU9Fhaf9JWUxvLimYYUcMsW4nuwydzgHX8UVf4",
    ] {
        assert_eq!(verify("a password", hash), Verification::MatchOutdated, "{hash}");
        for nuls in ["\0", "\0\0\0"] {
            assert_eq!(
                verify(&format!("a password{nuls}"), hash),
                Verification::Mismatch,
                "NULs at the end with {hash}"
            );
        }
        assert_eq!(verify("a pass\0word", hash), Verification::Mismatch, "{hash}");
    }
}

// Check 74.
#[test]
fn a_hash_is_replaced_if_it_is_weaker_than_a_new_one_and_kept_if_it_is_not() {
    for hash in [
        // Three passes; twice the memory and one pass, with Django's eight lanes.
        "$argon2id$v=19$m=19456,t=3,p=1$MDEyMzQ1Njc4OWFiY2RlZg$mpN3MYyXQtZx1kdO8ky89EbevgGja1aGpkcVe+qAjdY",
        "$argon2id$v=19$m=38912,t=1,p=8$MDEyMzQ1Njc4OWFiY2RlZg$eGUFwBPOs21YOg9VjmndiNseRoVWvrLMeVVlRzJTfRg",
    ] {
        assert_eq!(verify("a strong password", hash), Verification::Match, "{hash}");
        assert_eq!(verify("a wrong password", hash), Verification::Mismatch, "{hash}");
        assert!(PasswordHash::parse(hash).unwrap().is_current());
    }
    for hash in [
        // More memory and one pass; half the memory and four; a short salt; a short output; Argon2i; version 1.0.
        "$argon2id$v=19$m=32768,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$8xQe0H/4onlbZLNQc9Rvp0iYYYJ8Sg4hdqpLUuQ/+EY",
        "$argon2id$v=19$m=9728,t=4,p=1$MDEyMzQ1Njc4OWFiY2RlZg$F3urK7fpBYHW0KgIR1fESirBa+bA+ENyiZMmSboNVgA",
        "$argon2id$v=19$m=19456,t=3,p=1$MDEyMzQ1Njc$Y6jcZLTRrsIuZoC4RUiSRFp7FCY/57JAZ37MlMrTw7E",
        "$argon2id$v=19$m=19456,t=3,p=1$MDEyMzQ1Njc4OWFiY2RlZg$uo0Ms4O5klAuTmjBG82Pwg",
        "$argon2i$v=19$m=19456,t=3,p=1$MDEyMzQ1Njc4OWFiY2RlZg$Kk+koFuQBt9qrde+BEKrsi+cG8CdklP27sg6ZYe9DjQ",
        "$argon2id$v=16$m=19456,t=3,p=1$MDEyMzQ1Njc4OWFiY2RlZg$9gvWeTONhmcKEfRNYRWHlqIO7/rPZrWWtIjxDG5eDhY",
    ] {
        assert_eq!(verify("a strong password", hash), Verification::MatchOutdated, "{hash}");
        assert!(!PasswordHash::parse(hash).unwrap().is_current());
    }
}

/// `café à la Ångström`: in NFC, with marks of their own in some places, and in NFD.
const SPELLINGS: [&str; 3] = [
    "caf\u{e9} \u{e0} la \u{c5}ngstr\u{f6}m",
    "cafe\u{301} \u{e0} la \u{212b}ngstr\u{f6}m",
    "cafe\u{301} a\u{300} la A\u{30a}ngstro\u{308}m",
];

// Check 5.
#[test]
fn an_imported_hash_may_be_of_nfc_of_the_text_as_sent_or_of_nfd() {
    for hashes in [
        [
            "$pbkdf2-sha256$i=1000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$UwhurF8hwb6tH+5jLXNUX1n+IMcERSZ/VcGglPZRjJk",
            "$pbkdf2-sha256$i=1000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$P2hJ9a42892onv8jPxCu4NrEAmTyzab2J8YVnDlL+qU",
            "$pbkdf2-sha256$i=1000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$lh++U93mctn25qqmFjtQdZciPDMQkNezJuNQ9YboSyA",
        ],
        [
            "$2b$05$CCCCCCCCCCCCCCCCCCCCC.XW9YKjZETDr/Gv8JC2Wo9cMydiANCgm",
            "$2b$05$CCCCCCCCCCCCCCCCCCCCC.cln9hVjT7Ws/dqyoGYP/BE0Ucs3Ggsi",
            "$2b$05$CCCCCCCCCCCCCCCCCCCCC.S.Ic5WW9u9WX0MgLjzzNmNeiMyi/Ibq",
        ],
        [
            "$scrypt$ln=10,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$O593VpRnkrPhp5GE8ao2j1XS6rSSUJr1lLYozabcqH8",
            "$scrypt$ln=10,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$qF3BgGa7BsX1uygAXvUBnJ28ElVyro+LT58s48Aypek",
            "$scrypt$ln=10,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$Qumw+Yn6+teF4pU3JgkzpibxGqaBT+N5Ly2Dxa+lHlI",
        ],
        [
            "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$b5AXqct/4oLGPcyHgvspkbuS6Z6fbPk+1xIgRqjtMHE",
            "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$+mB8mPJEy3XdMBL1mIwDgPAYcpCXiSDB73oZdPOAbWw",
            "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$aXLasr9Rfq9MMR7zaOEowPGrxWf05TM6X/L4SNX6tG8",
        ],
    ] {
        for (spelled, hash) in hashes.iter().enumerate() {
            for (sent, text) in SPELLINGS.iter().enumerate() {
                // A spelling of its own is known to whoever sends the same one.
                let expected =
                    if spelled == 1 && sent != 1 { Verification::Mismatch } else { Verification::MatchOutdated };
                assert_eq!(verify(text, hash), expected, "{text} with {hash}");
            }
            assert_eq!(verify("cafe a la Angstrom", hash), Verification::Mismatch, "{hash}");
        }
    }
}

#[test]
fn every_form_of_a_text_is_computed_once_and_an_ascii_text_has_one() {
    let forms = |text: &str| Password::new(text).forms().iter().map(|form| form.to_string()).collect::<Vec<_>>();
    assert_eq!(forms("plain ASCII"), ["plain ASCII"]);
    assert_eq!(forms(SPELLINGS[0]), [SPELLINGS[0], SPELLINGS[2]]);
    assert_eq!(forms(SPELLINGS[1]), SPELLINGS);
    assert_eq!(forms(SPELLINGS[2]), [SPELLINGS[0], SPELLINGS[2]]);
    assert_eq!(forms("\u{fb01}ve \u{2163}"), ["\u{fb01}ve \u{2163}", "five IV"], "NFKC and NFKD are one here");
    assert_eq!(forms("\u{e9}\u{b2}"), ["\u{e9}\u{b2}", "e\u{301}\u{b2}", "\u{e9}2", "e\u{301}2"]);
    // Which forms there are is for the text to say, and not for what matches.
    let long = "e\u{301}".repeat(PASSWORD_MAX_BYTES / 2);
    assert_eq!(Password::new(&long).forms().len(), 2);
    assert!(!Password::new(&long).is_too_long(), "as NFC has it");
}

#[test]
fn an_empty_password_matches_nothing_also_where_it_was_the_password() {
    for hash in [
        "$pbkdf2-sha256$i=1000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$1SowFvcyM8WmWKE5mw1mE6SzWhTrQkI1ozLfFjQpvY4",
        "$2b$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy",
        "$scrypt$ln=10,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$a+DZqzJtLcpaYBlmYYFYTY0rT7em/lQafyTt9V/rHuU",
        "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$YdvKnHDNdnx3UXOE4OXsgVckBvuq3gpvrMbEV3UYnbY",
        "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$p9c4ucO/R2KPDN+PkWHKJ8BFh72sWSAvoB5iH9pNqCY",
    ] {
        for empty in ["", "\0", "\0\0"] {
            assert_eq!(verify(empty, hash), Verification::Mismatch, "{empty:?} with {hash}");
        }
    }
}

#[test]
fn a_salt_may_be_a_long_text() {
    for hash in [
        "$pbkdf2-sha256$i=1000,l=32$c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3M$3hmb1BUdVY9TL8xrkiR9hi0/Y6oepfU6R1PmjAOYiPI",
        "$scrypt$ln=10,r=8,p=1$c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3M$3UxkVYZSlLLidq+SLQyB0siJTqM0Wqln+yuKUMp7jDw",
    ] {
        assert_eq!(verify("an imported password", hash), Verification::MatchOutdated, "{hash}");
    }
    let with = |bytes: usize| {
        use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
        let salt = STANDARD_NO_PAD.encode(vec![b's'; bytes]);
        PasswordHash::parse(&format!("$pbkdf2-sha1$1000${salt}$5RAWANTpanChvB96RSFJFIGVY8Y")).is_ok()
    };
    assert!(with(255) && !with(256));
}
