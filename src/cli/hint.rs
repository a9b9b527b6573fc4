//! Commands that a sentence names, as whoever reads it has to say them.

use clap::{ArgMatches, CommandFactory, FromArgMatches};

use super::{CommandLine, Target};
use crate::{functions::config::DEFAULT_STACK, platform::machine::environment};

impl Target {
    /// That of a command line, if its command has one.
    pub(super) fn of(command_line: &ArgMatches) -> Option<Self> {
        let mut command = command_line;
        while let Some((_, below)) = command.subcommand() {
            command = below;
        }
        command.try_contains_id("local").ok()?;
        Self::from_arg_matches(command).ok()
    }

    /// The sentence, in which each command between backticks works on the same stack as the one that was said.
    pub(super) fn said(&self, sentence: &str) -> String {
        let options = self.options();
        let parts = sentence.split('`').enumerate().map(|(at, part)| {
            let options = if at % 2 == 1 && has_target(part) { options.as_str() } else { "" };
            format!("{part}{options}")
        });
        parts.collect::<Vec<_>>().join("`")
    }

    fn options(&self) -> String {
        let local = if self.local { " --local" } else { "" };
        let is_known = self.stack == DEFAULT_STACK || environment("STACK_NAME").is_some_and(|name| name == self.stack);
        if is_known { local.to_owned() } else { format!("{local} --stack {}", word(&self.stack)) }
    }
}

/// Whether a text is a command that works on a stack.
fn has_target(text: &str) -> bool {
    let Some(words) = text.strip_prefix("jea-auth ").filter(|words| !words.contains("--help")) else { return false };
    let mut command = &CommandLine::command();
    for word in words.split(' ') {
        match command.find_subcommand(word) {
            Some(below) => command = below,
            None => break,
        }
    }
    command.get_arguments().any(|argument| argument.get_id() == "local")
}

/// A text as one word of a shell.
pub(super) fn word(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"@%+:,./_-".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(local: bool, stack: &str, sentence: &str) -> String {
        Target { local, stack: stack.to_owned(), json: false }.said(sentence)
    }

    #[test]
    fn a_command_works_on_the_stack_of_the_one_that_was_said() {
        let hint = "`jea-auth user list` shows all accounts";
        assert_eq!(said(false, DEFAULT_STACK, hint), hint);
        assert_eq!(said(true, DEFAULT_STACK, hint), "`jea-auth user list --local` shows all accounts");
        assert_eq!(said(false, "other", hint), "`jea-auth user list --stack other` shows all accounts");
        assert_eq!(said(true, "a b", hint), "`jea-auth user list --local --stack 'a b'` shows all accounts");
        assert_eq!(
            said(true, DEFAULT_STACK, "`jea-auth session list a@b.c` or `jea-auth doctor`"),
            "`jea-auth session list a@b.c --local` or `jea-auth doctor --local`"
        );
    }

    #[test]
    fn what_works_on_no_stack_is_said_as_it_is() {
        for sentence in [
            "is `jea-auth serve` running?",
            "`jea-auth user set --help` says what a profile may hold",
            "`aws sts get-caller-identity`",
            "`jea-auth user`",
            "jea-auth user list",
        ] {
            assert_eq!(said(true, "other", sentence), sentence);
        }
    }

    #[test]
    fn a_word_of_a_shell_is_quoted_where_it_must_be() {
        for (text, quoted) in
            [("a.b+c@d-e.f", "a.b+c@d-e.f"), ("a b", "'a b'"), ("a'b", r"'a'\''b'"), ("$x", "'$x'"), ("", "''")]
        {
            assert_eq!(word(text), quoted);
        }
    }
}
