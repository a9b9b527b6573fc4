mod of_systems;

use super::*;
use crate::domain::password::{Hasher, Password, Verification};

/// Of `an imported password`. Made with Django 5.2, Werkzeug 3.1 and passlib 1.7 themselves, by their hashers with low
/// costs; those of ASP.NET and Spring with Python's hashlib and bcrypt by the sources of the two: `PasswordHasher.cs`,
/// `Pbkdf2PasswordEncoder.java` and `SCryptPasswordEncoder.java`.
const SPELLED: [(&str, &str); 27] = [
    ("Django", "pbkdf2_sha256$1000$seasaltseasalt$rDhZrcCuuxNIxNofxe25s9t53sXMqiE0ePhFMun6wOg="),
    ("Django", "pbkdf2_sha1$1000$seasaltseasalt$muKAQJ34dXqpBGwD/vYsyrI3vZA="),
    (
        "Django",
        "pbkdf2_sha256$1000$ssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss$q3L5LmZuBoxbCpwQUu5iHzmCN6suc85FY8U5D+k0Qu8=",
    ),
    ("Django", "argon2$argon2id$v=19$m=64,t=1,p=8$c2Vhc2FsdHNlYXNhbHQ$RkpG7aWJb9ESO6XKuRqiGVOhjin1J1t0tH9Ag6ypCSo"),
    ("Django", "bcrypt$$2b$05$CCCCCCCCCCCCCCCCCCCCC.ofufHF.ui6jOJLt/12y1vRz03EwUk2W"),
    (
        "Django",
        "scrypt$1024$seasaltseasalt$8$5$bsALF2Rxo85uwPZJZjmmFYyfgzQ+9PW51LU8K4yyBpEvDqfgB+H7ctXPId4iq6DGLhEgGCG8E+15l+VT7XEbJQ==",
    ),
    ("Werkzeug", "pbkdf2:sha256:1000$seasaltseasalt$ac3859adc0aebb1348c4da1fc5edb9b3db79dec5ccaa213478f84532e9fac0e8"),
    ("Werkzeug", "pbkdf2:sha1:1000$seasaltseasalt$9ae280409df8757aa9046c03fef62ccab237bd90"),
    (
        "Werkzeug",
        "pbkdf2:sha512:1000$seasaltseasalt$d83b8ffdc180043bc44d5bb5df3b8d0e41d2373fa6953b814d1a9bc72bb62d3829b740d0689960bc4435fed9897e010e6148375f478289baa47853bee1936715",
    ),
    (
        "Werkzeug",
        "scrypt:1024:8:1$seasaltseasalt$39b6b9418ceb5f0bbbb7a1f1fc79c5599f187c40154ceae6d8118ed0465187d40406f445d02bcec2065a845bae80633b667395e3cebec2a5c98d7d25c8efc7d9",
    ),
    ("ASP.NET Identity v2", "ADAxMjM0NTY3ODlhYmNkZWZn2CYbOijO+eUKq2kMJpXFK0MUNbsN1Tdqoj9Mh+f/sg=="),
    ("ASP.NET Identity v3", "AQAAAAAAAAPoAAAAEDAxMjM0NTY3ODlhYmNkZWZn2CYbOijO+eUKq2kMJpXFK0MUNbsN1Tdqoj9Mh+f/sg=="),
    ("ASP.NET Identity v3", "AQAAAAEAACcQAAAAEDAxMjM0NTY3ODlhYmNkZWYmQd/kAuRYeuW8+AAfbNGOdsWDFjRWEcoP2YXsbPapyA=="),
    ("ASP.NET Identity v3", "AQAAAAIAAAPoAAAAEDAxMjM0NTY3ODlhYmNkZWaePaSKVdSObRdyYgerHrSg7WVypEUa3Osvx6kRMrHsow=="),
    (
        "ASP.NET Identity v3",
        "AQAAAAIAAAPoAAAAIDAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWJjZGVmvmLWte1adx3H72vqm64fMrRNct7p+CmHSShIbkMyl5JJfLMp1c6ywzR+LdqY8wg6Y5rcHidc6/3H304QINkU4A==",
    ),
    ("Spring", "{bcrypt}$2a$05$CCCCCCCCCCCCCCCCCCCCC.ofufHF.ui6jOJLt/12y1vRz03EwUk2W"),
    ("Spring", "{pbkdf2}303132333435363784968b5c26f0cbcf187e6a9545b62d31e22038901597701a83431d7fb0c1beab"),
    (
        "Spring",
        "{pbkdf2@SpringSecurity_v5_8}303132333435363738396162636465665e37610921e89627ab78ace30f3db35780d2f64c2230695fa6c72c739cefa05e",
    ),
    (
        "Spring",
        "{scrypt}$e0801$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw==$QyShZyN6Rq74gBlwxxNBqas/NKUZOr/PpauM4m5iTls=",
    ),
    (
        "Spring",
        "{scrypt@SpringSecurity_v5_8}$100801$MDEyMzQ1Njc4OWFiY2RlZg==$hShJ29imjFTxBVs/hu1v5HJoO6IDeLvsywX7gy1q1bw=",
    ),
    (
        "Spring",
        "{argon2}$argon2id$v=19$m=4096,t=3,p=1$MDEyMzQ1Njc4OWFiY2RlZg$OztpFxbNJutM4ozA0knQkvgQ97RM9Ee9nRLqNTMbpuU",
    ),
    ("LDAP", "{CRYPT}$2y$05$CCCCCCCCCCCCCCCCCCCCC.ofufHF.ui6jOJLt/12y1vRz03EwUk2W"),
    ("LDAP", "{PBKDF2}1000$MDEyMzQ1Njc4OWFiY2RlZg$Z9gmGzoozvnlCqtpDCaVxStDFDU"),
    ("LDAP", "{PBKDF2-SHA256}1000$MDEyMzQ1Njc4OWFiY2RlZg$RUoMJN/OBFRTMQxZJj6jXAam6EvmEwu7ks2Vb8Z6nRw"),
    (
        "LDAP",
        "{PBKDF2-SHA512}1000$MDEyMzQ1Njc4OWFiY2RlZg$nj2kilXUjm0XcmIHqx60oO1lcqRFGtzrL8epETKx7KPS4xbY.lueOgPD45HbKz.Kmp.qJwyH1Kws7l.t7EnqZQ",
    ),
    ("Atlassian", "{PKCS5S2}MDEyMzQ1Njc4OWFiY2RlZkhrmPXW/stQ7fmvRgrHaZKnBz36yITtxemvKg/NkWQ6"),
    (
        "PHC with padding",
        "$pbkdf2-sha512$i=1000,l=64$MDEyMzQ1Njc4OWFiY2RlZg==$nj2kilXUjm0XcmIHqx60oO1lcqRFGtzrL8epETKx7KPS4xbY+lueOgPD45HbKz+Kmp+qJwyH1Kws7l+t7EnqZQ==",
    ),
];

/// The hash as an import stores it, but for the seal.
fn stored(text: &str) -> PasswordHash {
    with(text, None, &Secrets::default())
}

fn with(text: &str, salt: Option<&str>, secrets: &Secrets) -> PasswordHash {
    match parse(text, salt, secrets).unwrap_or_else(|reason| panic!("{text}: {reason}")) {
        Imported::Kept(hash) | Imported::Secret(hash) | Imported::Sealed(hash) => hash,
        Imported::Fast(fast) => Hasher::default().wrap(&fast.steps, &fast.digest, [7; 16]).unwrap(),
    }
}

fn refused(text: &str) -> String {
    parse(text, None, &Secrets::default()).err().unwrap_or_else(|| panic!("{text} is taken"))
}

// Check 11.
#[test]
fn hashes_as_other_systems_spell_them_fit_their_passwords() {
    let hasher = Hasher::default();
    for (system, text) in SPELLED {
        let hash = stored(text);
        let verify = |password: &str| hasher.verify(&Password::new(password), Some(&hash));
        assert_eq!(verify("an imported password"), Verification::MatchOutdated, "{system}: {text}");
        assert_eq!(verify("an imported passwore"), Verification::Mismatch, "{system}: {text}");
    }
}

#[test]
fn the_service_s_own_spelling_stays_as_it_is() {
    for text in [
        "$argon2id$v=19$m=19456,t=2,p=1$k9LrLOzVsq1B1mKYDcXhMQ$1fdJ3LqCH6Iu1iZkSrwsrT3j94ZpCa6ptS0v7BH1W8c",
        "$2b$05$CCCCCCCCCCCCCCCCCCCCC.ofufHF.ui6jOJLt/12y1vRz03EwUk2W",
        "$pbkdf2-sha256$1000$MDEyMzQ1Njc4OWFiY2RlZg$RUoMJN/OBFRTMQxZJj6jXAam6EvmEwu7ks2Vb8Z6nRw",
    ] {
        assert_eq!(stored(text).as_str(), text);
    }
}

#[test]
fn what_cannot_be_taken_is_told_by_its_system_with_what_to_do() {
    let hex = |bytes: usize| "0f".repeat(bytes);
    for (text, system) in [
        ("$1$salt$aaaaaaaaaaaaaaaaaaaaaa", "MD5-crypt"),
        ("{SHA}aaaaaaaaaaaaaaaaaaaaaaaaaaaa", "SHA-1 without a salt, of LDAP"),
        ("{ldap}{SHA}aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "SHA, of LDAP or Spring"),
        ("fakeHash:salt=x:password=y", "fakeHash, the Firebase emulator's"),
        ("{BCRYPTKDF}x", "of a form that is not known here, {BCRYPTKDF}"),
        ("$gy$j9T$x$y", "of a form that is not known here, $gy$"),
        ("$md5,rounds=904$x$y", "of a form that is not known here, $md5,rounds=904$"),
        ("$scram$6400$x$y", "of a form that is not known here, $scram$"),
        ("$p5k2$2710$x$y", "of a form that is not known here, $p5k2$"),
        ("{noop}an imported password", "not hashed"),
        ("!aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789aBcD", "no password"),
        (&BASE64.encode([7; 64]), "Firebase's scrypt"),
        (&hex(16), "a plain digest"),
        (&hex(32), "a plain digest"),
        ("an imported password", "no hash that is known here"),
    ] {
        let reason = refused(text);
        assert!(reason.contains(system), "{text}: {reason}");
        assert!(
            reason.contains("import the account without a hash, by --unusable drop-hash, and set a password with"),
            "{reason}"
        );
        assert!(!reason.contains(text), "no hash is printed");
    }
}

#[test]
fn a_known_spelling_with_parameters_beyond_the_caps_is_told_by_the_caps() {
    for text in [
        "pbkdf2_sha256$4000001$seasaltseasalt$rDhZrcCuuxNIxNofxe25s9t53sXMqiE0ePhFMun6wOg=",
        "scrypt:524288:8:1$seasalt$39b6b9418ceb5f0bbbb7a1f1fc79c5599f187c40154ceae6d8118ed0465187d4",
        "{bcrypt}$2a$15$CCCCCCCCCCCCCCCCCCCCC.ofufHF.ui6jOJLt/12y1vRz03EwUk2W",
    ] {
        assert!(refused(text).starts_with("password_hash is not a hash of Argon2 (m up to"), "{text}");
    }
}
