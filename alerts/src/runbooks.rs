//! The runbooks, as they were when this was built: what the person reads who was notified of an alarm.

/// Every page of `docs/runbooks`, listed by `build.rs`, in the order of their names.
const PAGES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/runbooks.in"));

/// The page called `name` as Markdown. Links to other pages are `<name>.md`; links that begin with `/` lead to the
/// dashboard.
pub fn page(name: &str) -> Option<&'static str> {
    pages().find(|(known, _)| *known == name).map(|(_, text)| text)
}

/// Names of all pages, sorted.
pub fn names() -> impl Iterator<Item = &'static str> {
    pages().map(|(name, _)| name)
}

fn pages() -> impl Iterator<Item = (&'static str, &'static str)> {
    PAGES.iter().map(|(file, text)| (file.strip_suffix(".md").unwrap_or(file), *text))
}
