//! The check of `Host` and `Origin` that both listeners make.
//!
//! A site can resolve its own name to 127.0.0.1 (DNS rebinding) and is then, for a browser, the same origin as a listener on
//! this machine. Its host name reveals it. A page of another site can also just send a form; its `Origin` reveals it.

use http::{HeaderMap, HeaderValue, Uri, header};
use std::net::IpAddr;
use std::sync::Arc;

/// The host names under which clients may reach a listener: this machine's loopback names, and configured ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosts(Arc<[String]>);

/// Who sent a request, as its headers say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// A program: browsers send other headers with everything that can change data.
    Program,
    /// A page that the same host and port served.
    OwnPage,
    /// A page of another site, or of another port.
    OtherSite,
}

impl Hosts {
    /// The loopback names and further ones, such as the name of a proxy on this machine.
    pub fn new(further: &[String]) -> Self {
        Self(further.into())
    }

    /// Whether a request names one of these hosts. A request that names none is not from a browser, and passes.
    ///
    /// A name without a dot is no site of the internet. Containers use such names, so programs may. Pages may not.
    pub fn admit(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let from_page = headers.contains_key(header::ORIGIN) || headers.contains_key(FETCH_SITE);
        named(uri, headers).all(|host| {
            let name = host.map(without_port);
            name.is_some_and(|name| self.knows(name) || (!from_page && is_single_label(name)))
        })
    }

    fn knows(&self, name: &str) -> bool {
        is_loopback(name) || self.0.iter().any(|known| name.eq_ignore_ascii_case(known))
    }
}

const FETCH_SITE: &str = "sec-fetch-site";

/// Who sent a request. Browsers send `Origin` with every request that can change data. If they send `Sec-Fetch-Site`, it
/// must match.
pub fn sender(uri: &Uri, headers: &HeaderMap) -> Sender {
    let text = |value: &HeaderValue| value.to_str().unwrap_or("unreadable").to_owned();
    let own_origin = headers.get(header::ORIGIN).map(text).map(|origin| {
        let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        authority.is_some() && authority == named(uri, headers).next().flatten()
    });
    let own_fetch = headers.get(FETCH_SITE).map(text).map(|site| site == "same-origin");
    match (own_origin, own_fetch) {
        (None, None) => Sender::Program,
        (origin, fetch) if origin.unwrap_or(true) && fetch.unwrap_or(true) => Sender::OwnPage,
        _ => Sender::OtherSite,
    }
}

/// The hosts that a request names, with ports; `None` for one that is not text.
fn named<'r>(uri: &'r Uri, headers: &'r HeaderMap) -> impl Iterator<Item = Option<&'r str>> {
    let in_headers = headers.get_all(header::HOST).iter().map(|host| host.to_str().ok());
    in_headers.chain(uri.authority().map(|authority| Some(authority.as_str())))
}

/// Any port is valid: a tunnel's end may have a different port than the server.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.is_empty() => name,
        _ => host,
    }
}

/// Names that every browser resolves to this machine itself. Names below `localhost` are among them (RFC 6761).
fn is_loopback(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let below = name.strip_suffix(".localhost");
    ["127.0.0.1", "localhost", "[::1]"].contains(&name.as_str()) || below.is_some_and(is_host_name)
}

fn is_single_label(name: &str) -> bool {
    is_host_name(name) && !name.contains('.') && name.parse::<IpAddr>().is_err()
}

/// Whether a text can be a host name: letters, digits, hyphens and underscores, with single dots between them.
pub fn is_host_name(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    text.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderName;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let value = |value: &str| HeaderValue::from_str(value).unwrap();
        pairs.iter().map(|(name, text)| (HeaderName::from_static(name), value(text))).collect()
    }

    fn admits(hosts: &Hosts, uri: &str, pairs: &[(&'static str, &str)]) -> bool {
        hosts.admit(&uri.parse().unwrap(), &headers(pairs))
    }

    #[test]
    fn only_names_of_this_machine_are_hosts() {
        let hosts = Hosts::default();
        for host in [
            "127.0.0.1:3000",
            "localhost",
            "LOCALHOST:80",
            "[::1]:3000",
            "[::1]",
            "shop.localhost:3000",
            "a.b.localhost",
        ] {
            assert!(admits(&hosts, "/", &[("host", host), ("origin", "http://x")]), "{host}");
        }
        for host in [
            "evil.example:3000",
            "127.0.0.1.evil.example",
            "localhost.evil.example:1",
            "evil.examplelocalhost",
            ".localhost",
            "",
            ":80",
            "0.0.0.0:3000",
            "192.168.0.1",
            "[::2]",
            "1",
        ] {
            assert!(!admits(&hosts, "/", &[("host", host), ("origin", "http://x")]), "{host}");
            assert_eq!(admits(&hosts, "/", &[("host", host)]), host == "1", "{host} of a program");
        }
    }

    #[test]
    fn configured_names_are_hosts_too() {
        let hosts = Hosts::new(&["events.example".to_owned()]);
        assert!(admits(&hosts, "/", &[("host", "Events.example:8080"), ("origin", "http://x")]));
        assert!(!admits(&hosts, "/", &[("host", "more.events.example")]));
    }

    #[test]
    fn every_host_of_a_request_counts() {
        let hosts = Hosts::default();
        let mut twice = headers(&[("host", "localhost")]);
        twice.append(header::HOST, HeaderValue::from_static("evil.example"));
        assert!(!hosts.admit(&"/".parse().unwrap(), &twice));
        assert!(!admits(&hosts, "http://evil.example/events", &[("host", "localhost")]));
        assert!(admits(&hosts, "http://localhost/events", &[]));
        assert!(admits(&hosts, "/events", &[]), "a program that speaks HTTP/1.0");
    }

    #[test]
    fn programs_and_no_pages_may_use_names_without_a_dot() {
        let hosts = Hosts::default();
        assert!(admits(&hosts, "/", &[("host", "spillway:8080")]));
        assert!(!admits(&hosts, "/", &[("host", "spillway:8080"), ("origin", "http://spillway:8080")]));
        assert!(!admits(&hosts, "/", &[("host", "spillway:8080"), ("sec-fetch-site", "same-origin")]));
    }

    #[test]
    fn a_page_is_known_by_its_origin() {
        let sent = |pairs: &[(&'static str, &str)]| {
            let mut all = vec![("host", "127.0.0.1:3000")];
            all.extend(pairs);
            sender(&"/".parse().unwrap(), &headers(&all))
        };
        assert_eq!(sent(&[]), Sender::Program);
        for own in [
            &[("origin", "http://127.0.0.1:3000")][..],
            &[("origin", "https://127.0.0.1:3000")],
            &[("origin", "http://127.0.0.1:3000"), ("sec-fetch-site", "same-origin")],
            &[("sec-fetch-site", "same-origin")],
        ] {
            assert_eq!(sent(own), Sender::OwnPage, "{own:?}");
        }
        for other in [
            &[("origin", "null")][..],
            &[("origin", "http://127.0.0.1:3001")],
            &[("origin", "http://localhost:3000")],
            &[("origin", "127.0.0.1:3000")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "cross-site")],
            &[("origin", "http://127.0.0.1:3000"), ("sec-fetch-site", "cross-site")],
        ] {
            assert_eq!(sent(other), Sender::OtherSite, "{other:?}");
        }
        let nowhere = sender(&"/".parse().unwrap(), &headers(&[("origin", "http://127.0.0.1:3000")]));
        assert_eq!(nowhere, Sender::OtherSite, "without a host no origin is the own one");
    }
}
