//! An error with all that led to it.

use std::{error::Error, fmt};

/// Writes an error and its causes in one line, from the top down. An error of the SDK says "service error" of itself,
/// and which one only in its causes; the log's own way of writing errors leaves these out in JSON.
pub struct Causes<'a>(pub &'a (dyn Error + 'static));

impl Causes<'_> {
    /// What the error and each of its causes say. A cause that was said by the one above it is left out.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        let mut said = vec![self.0.to_string()];
        let mut source = self.0.source();
        while let Some(cause) = source {
            let sentence = cause.to_string();
            if said.last().is_none_or(|last| !last.ends_with(&sentence)) {
                said.push(sentence);
            }
            source = cause.source();
        }
        said
    }

    /// What the cause at the bottom says, which says most.
    #[must_use]
    pub fn deepest(&self) -> String {
        self.sentences().pop().unwrap_or_default()
    }
}

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentences().join(": ").replace(char::is_control, " "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    enum Fault {
        #[error("disk full")]
        Disk,
        #[error("one\ntwo")]
        Lines,
        #[error("not written: {0}")]
        Written(Box<Fault>),
        #[error("not saved")]
        Saved(#[source] Box<Fault>),
        #[error("not saved: disk full")]
        Both(#[source] Box<Fault>),
        #[error(transparent)]
        Same(Box<Fault>),
    }

    #[test]
    fn every_cause_is_said_once_and_all_in_one_line() {
        use Fault::{Both, Disk, Lines, Same, Saved, Written};
        let saved = |cause| Saved(Box::new(cause));
        for (fault, told) in [
            (Disk, "disk full"),
            (saved(Written(Box::new(Disk))), "not saved: not written: disk full"),
            (Both(Box::new(Disk)), "not saved: disk full"),
            (saved(Same(Box::new(Disk))), "not saved: disk full"),
            (saved(Lines), "not saved: one two"),
        ] {
            assert_eq!(Causes(&fault).to_string(), told);
        }
    }
}
