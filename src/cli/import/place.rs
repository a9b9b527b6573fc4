//! Where in a file an account stands.

use std::fmt;

/// A line, and in an array the number of the element too: an array may be one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    line: u64,
    element: Option<u64>,
    /// Which of the objects around the accounts it stands in, from 0.
    pub(super) group: usize,
}

impl Place {
    pub(super) fn of_line(line: u64) -> Self {
        Self { line, element: None, group: 0 }
    }

    pub(super) fn of_element(line: u64, element: u64, group: usize) -> Self {
        Self { line, element: Some(element), group }
    }

    /// Whether it stands in an array.
    pub(super) fn is_element(self) -> bool {
        self.element.is_some()
    }

    /// A number that tells it from others of its file, in less memory.
    pub(super) fn number(self) -> u64 {
        self.element.unwrap_or(self.line)
    }

    /// What such a number counts.
    pub(super) fn counted(self) -> &'static str {
        if self.element.is_some() { "element" } else { "line" }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        self.element.map_or(Ok(()), |element| write!(f, ", element {element}"))
    }
}
