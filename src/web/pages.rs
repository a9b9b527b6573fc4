//! The pages for people: HTML with style and script inside, compiled in. A page is a client of the operations and
//! nothing more. All that one says stands in `pages/words.js`, but for the sentence to a browser without scripts.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::STANDARD};

/// A page.
pub struct Page {
    body: &'static str,
    scripts: &'static [&'static str],
    policy: LazyLock<String>,
}

/// What both pages begin with.
const HEAD: &str = include_str!("pages/head.html");
const STYLE: &str = include_str!("pages/style.css");
const WORDS: &str = include_str!("pages/words.js");
const CLIENT: &str = include_str!("pages/client.js");
/// How a second factor is set up, which both pages lead through.
const FACTOR: &str = include_str!("pages/factor.html");
const FACTOR_SCRIPT: &str = include_str!("pages/factor.js");
const QR: &str = include_str!("pages/qr.js");
const FACTOR_PLACE: &str = "<!--factor-->\n";
const PASSKEYS: &str = include_str!("pages/passkeys.js");

/// The page to log on, and to set a password by a link.
pub static SIGN_IN: Page = Page {
    body: include_str!("pages/sign-in.html"),
    scripts: &[WORDS, CLIENT, PASSKEYS, QR, FACTOR_SCRIPT, include_str!("pages/sign-in.js")],
    policy: LazyLock::new(|| policy(&SIGN_IN)),
};

/// The page of one's own account.
pub static ACCOUNT: Page = Page {
    body: include_str!("pages/account.html"),
    scripts: &[WORDS, CLIENT, PASSKEYS, QR, FACTOR_SCRIPT, include_str!("pages/account.js")],
    policy: LazyLock::new(|| policy(&ACCOUNT)),
};

impl Page {
    /// Its HTML, which names the origins that a log-on may lead on to, the service, and the host that passkeys are for,
    /// if there are any. An origin and a host have no quote and no ampersand.
    #[must_use]
    pub fn html(&self, origins: &[String], service: &str, rp_id: Option<&str>) -> String {
        let head = HEAD.replacen("data-origins=\"\"", &format!("data-origins=\"{}\"", origins.join(" ")), 1);
        // Between quotes nothing else ends a value, or stands for something else (HTML, section 13.1.2.3).
        let service = service.replace('&', "&amp;").replace('"', "&quot;");
        let head = head.replacen("data-service=\"\"", &format!("data-service=\"{service}\""), 1);
        let passkeys = format!("data-passkeys=\"{}\"", rp_id.unwrap_or_default());
        let head = head.replacen("data-passkeys=\"\"", &passkeys, 1);
        let (body, script) = (self.body.replacen(FACTOR_PLACE, FACTOR, 1), self.scripts.concat());
        format!("{head}<style>{STYLE}</style>\n{body}<script type=\"module\">{script}</script>\n")
    }

    /// Its Content Security Policy: it runs its own script, has its own style, and asks its own origin alone.
    #[must_use]
    pub fn policy(&self) -> &str {
        &self.policy
    }
}

/// What is inside of an element is allowed by its hash (Content Security Policy Level 3, section 8.3).
fn policy(page: &Page) -> String {
    let hash = |inside: &str| STANDARD.encode(digest(&SHA256, inside.as_bytes()));
    format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; img-src data:; connect-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
        hash(&page.scripts.concat()),
        hash(STYLE),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    // Check 78.
    #[test]
    fn a_page_has_one_style_and_one_script_and_fetches_nothing() {
        for page in [&SIGN_IN, &ACCOUNT] {
            let html = page.html(&[], "", None);
            for (once, times) in
                [("<style", 1), ("</style", 1), ("<script", 1), ("</script", 1), ("data-service=\"\"", 1)]
            {
                assert_eq!(html.matches(once).count(), times, "{once}");
            }
            for foreign in
                ["http:", "https:", "src=", " style=", " onclick=", "innerHTML", "localStorage", "sessionStorage"]
            {
                assert!(!html.contains(foreign), "{foreign}");
            }
            assert!(page.policy().contains("script-src 'sha256-") && !page.policy().contains("unsafe"));
        }
    }

    #[test]
    fn a_page_names_the_configured_origins_and_the_service() {
        let origins = ["https://a.example".to_owned(), "https://b.example".to_owned()];
        assert!(SIGN_IN.html(&origins, "", None).contains("data-origins=\"https://a.example https://b.example\""));
        assert!(SIGN_IN.html(&[], "", None).contains("data-origins=\"\""));
        let named = ACCOUNT.html(&[], "Salt & \"Pepper\" <b>", Some("auth.example.org"));
        assert!(named.contains("data-service=\"Salt &amp; &quot;Pepper&quot; <b>\" "), "{}", &named[..200]);
        assert!(named.contains("data-passkeys=\"auth.example.org\">"), "{}", &named[..200]);
    }
}
