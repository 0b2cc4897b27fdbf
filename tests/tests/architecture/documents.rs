//! What the documents name exists: links, paths, functions, decisions and tasks.

use crate::definitions::Definitions;
use crate::{files, read, relative, root};
use std::collections::BTreeSet;
use std::path::Path;
use syn::Item;

const WALKTHROUGHS: &str = "docs/walkthroughs/";

#[test]
fn links_in_documents_have_a_target() {
    let mut broken = Vec::new();
    for document in files("md") {
        let text = read(&document);
        let folder = document.parent().expect("a document is in a folder");
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for target in targets.map(|target| target.split('#').next().unwrap_or_default()) {
            // Runbooks link to pages of the dashboard, which begin with a slash.
            let elsewhere = target.is_empty() || target.contains(':') || target.starts_with('/');
            if !elsewhere && !folder.join(target).exists() {
                broken.push(format!("{} links to {target}", relative(&document)));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn architecture_and_walkthroughs_name_only_what_exists() {
    let mut missing = Vec::new();
    for document in described() {
        for span in not_there(&read(&root().join(&document))) {
            missing.push(format!("{document}: {span}"));
        }
    }
    assert!(
        missing.is_empty(),
        "a path, or a function in none of the files that its document names: {missing:#?}"
    );
}

#[test]
fn architecture_links_to_each_walkthrough_and_decision() {
    let architecture = read(&root().join("ARCHITECTURE.md"));
    let documents = files("md").into_iter().map(|path| relative(&path));
    for document in documents.filter(|path| path.starts_with("docs/adr/") || path.starts_with(WALKTHROUGHS)) {
        assert!(
            architecture.contains(&format!("({document})")),
            "ARCHITECTURE.md does not link to {document}"
        );
    }
}

#[test]
fn documents_name_only_tasks_that_xtask_has() {
    let tasks = variants(&read(&root().join("xtask/src/main.rs")), "Task");
    for document in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"] {
        for task in words_after(&read(&root().join(document)), "cargo xtask ") {
            assert!(tasks.contains(&task), "{document} names `cargo xtask {task}`");
        }
    }
}

#[test]
fn a_document_that_names_something_missing_is_reported() {
    let text = "`tests/tests/architecture/main.rs` has `read()` and `main::relative()`, not `wrote()`.\n\
        `tests/src/nowhere.rs`, `docs/*/nothing`, `docz/*.md`, `docs/adr/*.md`, `AWS/SQS`, `/events`\n\
        ```\n`c/d` and `run()`\n```\n";
    assert_eq!(not_there(text), ["wrote()", "tests/src/nowhere.rs", "docz/*.md"]);
    assert_eq!(not_there("`read()`"), ["read()"], "the document names no file that defines it");
    let words = words_after("cargo xtask demo, cargo xtask ci", "cargo xtask ");
    assert_eq!(words, ["ci", "demo"].map(str::to_owned).into());
}

/// The documents that describe the code.
fn described() -> Vec<String> {
    let documents = files("md").into_iter().map(|path| relative(&path));
    let described: Vec<_> =
        documents.filter(|path| path == "ARCHITECTURE.md" || path.starts_with(WALKTHROUGHS)).collect();
    assert!(described.len() > 1, "there are no walkthroughs in {WALKTHROUGHS}");
    described
}

/// The paths of a document that do not exist, and its functions that none of its files defines.
fn not_there(document: &str) -> Vec<String> {
    let spans = code_spans(document);
    let mut definitions = Definitions::default();
    for path in spans.iter().filter(|span| is_path(span) && span.ends_with(".rs") && path_exists(span)) {
        let path = Path::new(path);
        definitions.add(path, &read(&root().join(path))).expect("Rust sources parse");
    }
    let missing =
        |span: &String| is_path(span) && !path_exists(span) || is_function(span) && !definitions.has(span);
    spans.into_iter().filter(missing).collect()
}

/// Code spans outside code blocks, each on one line.
fn code_spans(text: &str) -> Vec<String> {
    let mut fenced = false;
    let mut spans = Vec::new();
    for line in text.lines() {
        if line.starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            assert!(line.matches('`').count() % 2 == 0, "a code span is not closed on its line: {line}");
            spans.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    spans
}

/// Whether a code span is a path in the repository, and not a URL's path, a media type or a namespace.
fn is_path(span: &str) -> bool {
    let other = ["/", "application/", "AWS/"].iter().any(|start| span.starts_with(start));
    !other && span.contains('/') && !span.contains([' ', ':', '{'])
}

/// Of a path with `*`, the folder before it has to exist.
fn path_exists(span: &str) -> bool {
    let folder = span
        .split_once('*')
        .map_or(span, |(before, _)| before.rsplit_once('/').map_or("", |(folder, _)| folder));
    root().join(folder).exists()
}

fn is_function(span: &str) -> bool {
    span.ends_with("()") && !span.contains(' ')
}

/// The words that follow each occurrence of a text.
fn words_after(text: &str, before: &str) -> BTreeSet<String> {
    let end = |rest: &str| {
        rest.find(|c: char| !c.is_ascii_alphanumeric() && !"_-".contains(c)).unwrap_or(rest.len())
    };
    text.split(before)
        .skip(1)
        .map(|rest| rest[..end(rest)].to_owned())
        .filter(|word| !word.is_empty())
        .collect()
}

/// The variants of an enum of a Rust source, in lower case.
fn variants(source: &str, name: &str) -> BTreeSet<String> {
    let items = syn::parse_file(source).expect("Rust sources parse").items;
    let named = items.into_iter().find_map(|item| match item {
        Item::Enum(found) if found.ident == name => Some(found.variants),
        _ => None,
    });
    let variants = named.unwrap_or_else(|| panic!("no enum {name}"));
    variants.iter().map(|variant| variant.ident.to_string().to_lowercase()).collect()
}
