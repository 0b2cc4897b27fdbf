//! Runbooks: Markdown from `docs/runbooks`, as safe HTML.

use pulldown_cmark::{CowStr, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd, html};
use spillway_dashboard_model::alarms::{RuleSet, runbooks};
use spillway_dashboard_pages::page_at;

/// A runbook with its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runbook {
    pub title: String,
    /// The text before the first part, as HTML: the alarms that link to it, with their thresholds.
    pub intro: String,
    /// Its parts, in order.
    pub sections: Vec<Section>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Its title, such as `Mitigate`.
    pub title: String,
    /// Its text as HTML. HTML markup in the source appears as text.
    pub html: String,
}

impl Runbook {
    /// The runbook called `name`, with links to the alarms that `rules` knows.
    pub fn named(name: &str, rules: &RuleSet) -> Option<Self> {
        runbooks::page(name).map(|text| Self::of(text, rules))
    }

    /// Parses Markdown. The first heading is the title, and headings of the second level begin the parts.
    pub fn of(markdown: &str, rules: &RuleSet) -> Self {
        let mut title = String::new();
        let mut intro = Vec::new();
        let mut sections: Vec<(String, Vec<Event<'_>>)> = Vec::new();
        let mut heading: Option<(HeadingLevel, String)> = None;
        let mut safe = Safe { rules, link: Link::None };
        for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::Heading {
                    level: level @ (HeadingLevel::H1 | HeadingLevel::H2), ..
                }) => {
                    heading = Some((level, String::new()));
                }
                Event::End(TagEnd::Heading(HeadingLevel::H1 | HeadingLevel::H2)) => match heading.take() {
                    Some((HeadingLevel::H1, text)) => title = text,
                    Some((_, text)) => sections.push((text, Vec::new())),
                    None => {}
                },
                Event::Text(text) | Event::Code(text) if heading.is_some() => {
                    if let Some((_, words)) = &mut heading {
                        words.push_str(&text);
                    }
                }
                event => {
                    let part = sections.last_mut().map_or(&mut intro, |(_, part)| part);
                    part.extend(safe.event(event));
                }
            }
        }
        let sections = sections.into_iter().map(|(title, events)| Section { title, html: written(events) });
        Self { title, intro: written(intro), sections: sections.collect() }
    }

    /// The order of the parts for an on-call engineer: what to look at, what to do, when to escalate, and then what the
    /// alarm means.
    pub fn urgent_first(&self) -> Vec<&Section> {
        const URGENT: [&str; 3] = ["First look", "Mitigate", "Escalate"];
        let urgent = URGENT.iter().filter_map(|title| self.sections.iter().find(|part| part.title == *title));
        let others = self.sections.iter().filter(|part| !URGENT.contains(&part.title.as_str()));
        urgent.chain(others).collect()
    }
}

fn written(events: Vec<Event<'_>>) -> String {
    let mut text = String::new();
    html::push_html(&mut text, events.into_iter());
    text
}

/// The target of a link, if it is allowed: an existing page of the dashboard, another runbook, or an HTTPS URL.
fn address(written: &str) -> Option<String> {
    if let Some(name) = written.strip_suffix(".md") {
        return runbooks::page(name).map(|_| format!("/runbooks/{name}"));
    }
    (page_at(written).is_some() || written.starts_with("https://")).then(|| written.to_owned())
}

/// Changes Markdown events so that the HTML is safe: no HTML markup, no pictures, only allowed links. Names of alarms
/// become links.
struct Safe<'r> {
    rules: &'r RuleSet,
    link: Link,
}

/// The state of the parser in a link.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Link {
    None,
    Open,
    /// A link that is not allowed: the text remains, the link is dropped.
    Dead,
}

impl Safe<'_> {
    fn event<'a>(&mut self, event: Event<'a>) -> Vec<Event<'a>> {
        match event {
            Event::Html(text) | Event::InlineHtml(text) => vec![Event::Text(text)],
            Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => Vec::new(),
            Event::Start(Tag::Link { dest_url, .. }) => match address(&dest_url) {
                Some(to) => {
                    self.link = Link::Open;
                    vec![link(to)]
                }
                None => {
                    self.link = Link::Dead;
                    Vec::new()
                }
            },
            Event::End(TagEnd::Link) => match std::mem::replace(&mut self.link, Link::None) {
                Link::Dead => Vec::new(),
                _ => vec![Event::End(TagEnd::Link)],
            },
            Event::Code(text) if self.link != Link::Open && self.rules.get(&text).is_some() => {
                vec![link(format!("/alarms/{text}")), Event::Code(text), Event::End(TagEnd::Link)]
            }
            other => vec![other],
        }
    }
}

fn link<'a>(to: String) -> Event<'a> {
    Event::Start(Tag::Link {
        link_type: LinkType::Inline,
        dest_url: to.into(),
        title: CowStr::Borrowed(""),
        id: CowStr::Borrowed(""),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use spillway_dashboard_model::alarms::Limits;

    fn rules() -> RuleSet {
        RuleSet::built_in(&Limits::built_in().unwrap()).unwrap()
    }

    #[test]
    fn every_runbook_has_meaning_first_look_and_mitigation() {
        let rules = rules();
        for name in runbooks::names() {
            let book = Runbook::named(name, &rules).unwrap();
            assert!(!book.title.is_empty(), "{name}");
            let order: Vec<_> = book.urgent_first().iter().map(|part| part.title.as_str()).collect();
            assert_eq!(order, ["First look", "Mitigate", "Escalate", "Meaning", "Impact"], "{name}");
            assert!(book.sections.iter().all(|part| part.html.len() > 20), "{name}");
        }
        assert!(rules.iter().all(|rule| Runbook::named(&rule.runbook, &rules).is_some()));
    }

    fn html(markdown: &str) -> String {
        Runbook::of(&format!("# T\n\n## S\n{markdown}"), &rules()).sections.remove(0).html
    }

    #[test]
    fn html_markup_in_a_runbook_is_text() {
        let made = html("<script>alert(1)</script>\n\na <img src=x onerror=y> b & c ![p](/x.png)");
        assert!(!made.contains("<script") && !made.contains("<img"), "{made}");
        assert!(made.contains("&lt;script&gt;") && made.contains("b &amp; c"), "{made}");
        let links =
            html("[a](javascript:alert) [b](data:text/html,x) [c](//evil.example) [d](http://evil.example)");
        assert!(!links.contains("href") && links.contains('a'), "{links}");
        assert_eq!(Runbook::of("# <b>x</b>", &rules()).title, "x", "a title is words");
    }

    #[test]
    fn links_lead_only_to_existing_pages() {
        let made =
            html("[q](queue-stalled.md) [m](/metrics?stage=queue) [gone](/no-such-page) [none](no-such.md)");
        assert!(made.contains("href=\"/runbooks/queue-stalled\""), "{made}");
        assert!(made.contains("href=\"/metrics?stage=queue\""), "{made}");
        assert_eq!(made.matches("<a ").count(), 2, "{made}");
        assert!(made.contains("gone none"), "{made}");
    }

    #[test]
    fn names_of_alarms_are_links() {
        let made = html("`queue-age-high` and `spillway flow` and [see `queue-age-low`](queue-age.md)");
        assert!(
            made.contains("<a href=\"/alarms/queue-age-high\"><code>queue-age-high</code></a>"),
            "{made}"
        );
        assert_eq!(made.matches("<a ").count(), 2, "{made}");
        assert!(made.contains("<code>spillway flow</code>"));
    }
}
