//! The documents, as their tests read them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::repository::{root, sources};

pub fn pages() -> Vec<PathBuf> {
    let names = ["README.md", "CONTRIBUTING.md", "SECURITY.md"].map(|name| root().join(name));
    let pages = sources(&root().join("docs")).into_iter().chain(names);
    pages.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}

pub fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|_| panic!("there is no {}", path.display()))
}

pub fn relative(path: &Path) -> &str {
    path.strip_prefix(root()).unwrap().to_str().unwrap()
}

/// A fenced block.
pub struct Block<'a> {
    pub language: &'a str,
    /// Whether a comment before it says that it needs what no test has.
    pub is_marked: bool,
    pub lines: String,
}

/// A page in its two parts: the lines outside fenced blocks, and the blocks.
pub fn parts(page: &str) -> (Vec<&str>, Vec<Block<'_>>) {
    let (mut prose, mut blocks, mut open) = (Vec::<&str>::new(), Vec::new(), None);
    for line in page.lines() {
        match (line.trim_start().strip_prefix("```"), open.take()) {
            (Some(language), None) => {
                let before = prose.last().map_or("", |line| line.trim_start());
                let is_marked = before == "<!-- on AWS -->" || before.starts_with("<!-- needs ");
                open = Some(Block { language, is_marked, lines: String::new() });
            }
            (Some(_), Some(block)) => blocks.push(block),
            (None, Some(block)) => open = Some(Block { lines: block.lines + line + "\n", ..block }),
            (None, None) => prose.push(line),
        }
    }
    assert!(open.is_none(), "a block has no end");
    (prose, blocks)
}

/// The one block of a page in a language that has some text in it.
pub fn block(page: &str, language: &str, holding: &str) -> String {
    let page = read(&root().join(page));
    let is_it = |block: &Block<'_>| block.language == language && block.lines.contains(holding);
    let mut found = parts(&page).1.into_iter().filter(is_it);
    let block = found.next().unwrap_or_else(|| panic!("no {language} with {holding}"));
    assert!(found.next().is_none(), "one block with {holding}");
    block.lines
}

/// All that is written for people: the README and what is in docs/.
pub fn documentation() -> String {
    let docs = sources(&root().join("docs")).into_iter().chain([root().join("README.md")]);
    docs.filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect()
}
