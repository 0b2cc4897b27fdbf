//! Which certificate authorities are believed.
//!
//! A system believes some 150, and reading them all takes longer than everything else that a function does until its first
//! answer. A function talks to AWS only, so the few that sign for AWS are enough.

use aws_smithy_http_client::tls::{TlsContext, TrustStore};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fs;

/// Where a system has its authorities in one file: Lambda's (Amazon Linux), and Debian's.
const BUNDLES: [&str; 2] = ["/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/certs/ca-certificates.crt"];
/// In the names of those that sign for AWS: Amazon's own (<https://www.amazontrust.com/repository/>), and DigiCert for other
/// partitions.
const SIGNERS: [&[u8]; 3] = [b"Amazon", b"Starfield", b"DigiCert"];
const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";
/// A certificate has its names in the first half of a kilobyte, which is so many lines of PEM.
const LINES_WITH_NAMES: usize = 11;

/// The authorities that sign for AWS, out of the system's own, so that they are as current as the system is. `None` where
/// the system has no such file, or none of them in it: all of its authorities are to be believed then.
pub(crate) fn of_aws() -> Option<TlsContext> {
    let bundle = BUNDLES.iter().find_map(|file| fs::read(file).ok())?;
    let bundle = String::from_utf8_lossy(&bundle);
    let signers = signers(&bundle);
    if signers.is_empty() {
        return None;
    }
    let store = signers.into_iter().fold(TrustStore::empty(), TrustStore::with_pem_certificate);
    TlsContext::builder().with_trust_store(store).build().ok()
}

/// The certificates of a bundle that sign for AWS, in PEM.
fn signers(bundle: &str) -> Vec<&str> {
    let certificates = bundle.match_indices(BEGIN).filter_map(|(begin, _)| {
        let length = bundle[begin..].find(END)? + END.len();
        Some(&bundle[begin..begin + length])
    });
    certificates.filter(|certificate| signs_for_aws(certificate)).collect()
}

fn signs_for_aws(certificate: &str) -> bool {
    let lines = certificate.lines().skip(1).take_while(|line| *line != END).take(LINES_WITH_NAMES);
    let text: String = lines.collect();
    // Whole groups of four letters can be read by themselves.
    let Ok(bytes) = STANDARD.decode(&text[..text.len() / 4 * 4]) else { return false };
    SIGNERS.iter().any(|signer| bytes.windows(signer.len()).any(|found| found == *signer))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A certificate, as far as its names go.
    fn pem(name: &str) -> String {
        let der = [&[0x30, 0x82, 0xff][..], &[0; 200], name.as_bytes(), &[1; 900]].concat();
        let text = STANDARD.encode(der);
        let lines: Vec<&str> =
            text.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
        format!("{BEGIN}\n{}\n{END}\n", lines.join("\n"))
    }

    #[test]
    fn only_who_signs_for_aws_is_believed() {
        let names = [
            "Some Authority",
            "Amazon Root CA 1",
            "Another",
            "Starfield Services Root",
            "DigiCert Global Root",
        ];
        let bundle: String = names.iter().map(|name| format!("# {name}\n{}", pem(name))).collect();
        let expected = [1, 3, 4].map(|index| pem(names[index]).trim_end().to_owned());
        assert_eq!(signers(&bundle), expected);
    }

    #[test]
    fn a_bundle_without_them_or_with_anything_else_in_it_has_none() {
        for bundle in ["", BEGIN, &pem("Some Authority"), &format!("{BEGIN}\nAmazon\n{END}"), "é\n"] {
            assert!(signers(bundle).is_empty(), "{bundle}");
        }
    }
}
