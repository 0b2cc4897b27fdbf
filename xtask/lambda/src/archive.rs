//! The zip that Lambda accepts: one executable file called `bootstrap`.

use anyhow::{Context, Result};
use std::io::{Cursor, Write as _};
use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

/// The zip. The same program always gives the same bytes, so that an unchanged function is not deployed again.
pub fn of_bootstrap(program: &[u8]) -> Result<Vec<u8>> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(9))
        .last_modified_time(DateTime::default())
        .unix_permissions(0o755);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("bootstrap", options).context("cannot begin the zip")?;
    zip.write_all(program).context("cannot compress the program")?;
    Ok(zip.finish().context("cannot end the zip")?.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    #[test]
    fn the_zip_is_executable_and_reproducible() {
        let program = b"\x7fELF and so on".repeat(1_000);
        let bytes = of_bootstrap(&program).unwrap();
        assert_eq!(bytes, of_bootstrap(&program).unwrap());
        assert!(bytes.len() < program.len() / 10);
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        let mut file = archive.by_index(0).unwrap();
        assert_eq!(file.name().unwrap(), "bootstrap");
        assert_eq!(file.unix_mode().map(|mode| mode & 0o777), Some(0o755));
        assert_eq!(file.last_modified(), Some(DateTime::default()));
        let mut unpacked = Vec::new();
        file.read_to_end(&mut unpacked).unwrap();
        assert_eq!(unpacked, program);
    }
}
