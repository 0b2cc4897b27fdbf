//! Which certificate authorities are trusted.
//!
//! A system trusts some 150. Reading them all takes longer than everything else that a function does until
//! its first answer. A function calls AWS only, so the few that sign for AWS are enough.

use aws_smithy_http_client::tls::{TlsContext, TrustStore};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fs;

/// Where a system has its authorities in one file: Lambda's (Amazon Linux), and Debian's.
const BUNDLES: [&str; 2] = ["/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/certs/ca-certificates.crt"];
/// In the names of those that sign for AWS: Amazon's own (<https://www.amazontrust.com/repository/>).
const SIGNERS: [&[u8]; 2] = [b"Amazon", b"Starfield Services"];
/// In the names of those that sign for AWS in China as well.
const SIGNERS_IN_CHINA: [&[u8]; 3] = [b"Amazon", b"Starfield Services", b"DigiCert"];
const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";
/// A trusted authority has signed its own certificate. The signer's name is in the first 200 bytes, which are
/// this number of Base64 characters.
const TEXT_WITH_NAMES: usize = 4 * 64;

/// The authorities that sign for AWS. They come from the system's own bundle, so they are as current as the
/// system. `None` if the system has no such file, or if the file has none of them. Then all of the system's
/// authorities are trusted.
///
/// Fewer are better: each client reads them again.
pub(crate) fn of_aws(region: Option<&str>) -> Option<TlsContext> {
    let bundle = BUNDLES.iter().find_map(|file| fs::read(file).ok())?;
    // To validate the text is much faster than to repair it, so only invalid UTF-8 is repaired.
    let bundle = String::from_utf8(bundle)
        .unwrap_or_else(|other| String::from_utf8_lossy(other.as_bytes()).into_owned());
    let signers = signers(&bundle, names(region));
    if signers.is_empty() {
        return None;
    }
    let store = signers.into_iter().fold(TrustStore::empty(), TrustStore::with_pem_certificate);
    TlsContext::builder().with_trust_store(store).build().ok()
}

fn names(region: Option<&str>) -> &'static [&'static [u8]] {
    if region.is_some_and(|region| region.starts_with("cn-")) { &SIGNERS_IN_CHINA } else { &SIGNERS }
}

/// The certificates of a bundle, in PEM, of authorities with one of these names.
fn signers<'b>(bundle: &'b str, names: &[&[u8]]) -> Vec<&'b str> {
    let begins = bundle.match_indices(BEGIN).map(|(begin, _)| &bundle[begin..]);
    let named = begins.filter(|rest| is_of(&rest.as_bytes()[BEGIN.len()..], names));
    // Search for its end only if it is one of them.
    named.filter_map(|rest| Some(&rest[..rest.find(END)? + END.len()])).collect()
}

/// Whether one of the names is at the beginning of a certificate's Base64 text.
fn is_of(content: &[u8], names: &[&[u8]]) -> bool {
    let mut text = [0; TEXT_WITH_NAMES];
    let letters = content.iter().copied().filter(|letter| !letter.is_ascii_whitespace());
    let mut length = 0;
    for (place, letter) in text.iter_mut().zip(letters.take_while(|letter| *letter != b'-')) {
        *place = letter;
        length += 1;
    }
    // Whole groups of four characters can be decoded separately.
    let mut bytes = [0; TEXT_WITH_NAMES / 4 * 3];
    let read = STANDARD.decode_slice(&text[..length / 4 * 4], &mut bytes).unwrap_or(0);
    names.iter().any(|name| contains(&bytes[..read], name))
}

/// Whether the bytes contain the name. Most positions differ in their first byte, which is cheaper to check
/// than the whole name. This is done for each certificate at each cold start.
fn contains(bytes: &[u8], name: &[u8]) -> bool {
    bytes.windows(name.len()).any(|found| found.first() == name.first() && found == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A certificate, as far as its names go: a version, a serial number, and who signed.
    fn pem(name: &str) -> String {
        let der = [&[0x30, 0x82, 0xff][..], &[0; 60], name.as_bytes(), &[1; 900]].concat();
        let text = STANDARD.encode(der);
        let lines: Vec<&str> =
            text.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
        format!("{BEGIN}\n{}\n{END}\n", lines.join("\n"))
    }

    #[test]
    fn only_authorities_that_sign_for_aws_are_trusted() {
        let authorities = [
            "Some Authority",
            "Amazon Root CA 1",
            "Another",
            "Starfield Services Root",
            "DigiCert Global Root",
        ];
        let bundle: String = authorities.iter().map(|name| format!("# {name}\n{}", pem(name))).collect();
        for (region, believed) in
            [(None, &[1, 3][..]), (Some("eu-central-1"), &[1, 3]), (Some("cn-north-1"), &[1, 3, 4])]
        {
            let expected: Vec<String> =
                believed.iter().map(|index| pem(authorities[*index]).trim_end().to_owned()).collect();
            assert_eq!(signers(&bundle, names(region)), expected, "{region:?}");
        }
    }

    /// On a machine that has a bundle, as Lambda's and the tests' have.
    #[test]
    fn amazons_authorities_are_found_in_the_systems_bundle() {
        let Some(bundle) = BUNDLES.iter().find_map(|file| fs::read_to_string(file).ok()) else { return };
        let found = signers(&bundle, names(None)).len();
        let all = bundle.matches(BEGIN).count();
        assert!((4..=8).contains(&found) || all < 100, "{found} of {all}");
    }

    #[test]
    fn a_bundle_without_them_or_with_anything_else_in_it_has_none() {
        let other = pem("Some Authority");
        for bundle in ["", BEGIN, other.as_str(), &format!("{BEGIN}\nAmazon\n{END}"), "é\n"] {
            assert!(signers(bundle, names(None)).is_empty(), "{bundle}");
        }
        assert!(signers(&format!("{BEGIN}\nüüü\n{END}"), names(None)).is_empty());
    }
}
