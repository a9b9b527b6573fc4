//! What is written for people: that it can be read, and that its links lead somewhere.

use std::{collections::BTreeSet, fs, path::PathBuf};

use crate::architecture::{root, sources};

fn pages() -> Vec<PathBuf> {
    let names = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"].map(|name| root().join(name));
    sources(&root().join("docs")).into_iter().chain(names).collect()
}

/// The lines outside fenced blocks.
fn prose(page: &str) -> Vec<&str> {
    let mut is_code = false;
    let outside = page.lines().filter(|line| {
        let is_fence = line.starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    });
    outside.collect()
}

/// The anchors that a forge makes of headings.
fn anchors(page: &str) -> BTreeSet<String> {
    let headings =
        prose(page).into_iter().filter_map(|line| Some(line.strip_prefix('#')?.trim_start_matches('#').trim()));
    let anchor = |heading: &str| -> String {
        let kept = heading.to_lowercase().replace(' ', "-");
        kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect()
    };
    headings.map(anchor).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut followed = 0;
    for path in pages() {
        let page = fs::read_to_string(&path).unwrap();
        for line in prose(&page) {
            for link in line.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
                if link.starts_with("http") {
                    continue;
                }
                let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
                let target = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
                assert!(target.exists(), "{}: {link}", path.display());
                if !anchor.is_empty() {
                    let page = fs::read_to_string(&target).unwrap();
                    assert!(anchors(&page).contains(anchor), "{}: {link}", path.display());
                }
                followed += 1;
            }
        }
    }
    assert!(followed > 10, "{followed} links");
}

#[test]
fn the_readme_is_for_the_first_ten_minutes() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    assert!(readme.lines().count() <= 300, "what is not for the first ten minutes belongs into docs/");
}
