//! Turns the compiled wasm into the files that the browser loads.
//!
//! Every file has the hash of its content in its name. So browsers may cache it permanently, and a new page never loads
//! old wasm. `manifest.json` gives the server the names.

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use std::{
    fmt, fs,
    path::{Path, PathBuf},
};
use wasm_bindgen_cli_support::Bindgen;

/// The input files.
#[derive(clap::Args)]
pub struct Sources {
    /// The compiled wasm
    #[arg(long, value_name = "FILE")]
    wasm: PathBuf,
    /// The script that starts the compiled wasm
    #[arg(long, value_name = "FILE")]
    start: PathBuf,
    /// Folder with the Rust sources that declare the islands
    #[arg(long, value_name = "DIR")]
    islands: PathBuf,
}

/// The files that the browser downloads.
pub struct Bundle {
    files: Vec<Written>,
    islands: Vec<String>,
    fresh: bool,
}

impl fmt::Display for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kib = |bytes: usize| bytes as f64 / 1024.0;
        for Written(name, plain, compressed) in &self.files {
            write!(f, "{name:<36} {:>7.1} KiB", kib(*plain))?;
            match compressed {
                Some(compressed) => writeln!(f, ", brotli {:>6.1} KiB", kib(*compressed))?,
                None => writeln!(f)?,
            }
        }
        let state = if self.fresh { "built" } else { "unchanged" };
        let total: usize = self.files.iter().map(|file| file.2.unwrap_or(file.1)).sum();
        let coding = if self.files.iter().all(|file| file.2.is_some()) { "KiB brotli" } else { "KiB" };
        write!(f, "wasm {state}: {:.1} {coding} in all, islands {}", kib(total), self.islands.join(", "))
    }
}

/// A file: its name, and its size in bytes before and after compression.
#[derive(Clone)]
struct Written(String, usize, Option<usize>);

/// Writes the files to `folder`, unless it already has files made from the same input.
pub fn write(from: &Sources, folder: &Path, with_compressed: bool) -> Result<Bundle> {
    let Sources { wasm, start, islands } = from;
    let input = fs::read(wasm).with_context(|| format!("cannot read {}", wasm.display()))?;
    let starter = fs::read_to_string(start).with_context(|| format!("cannot read {}", start.display()))?;
    let islands = declared_islands(islands)?;
    let source = hash(&[&input, starter.as_bytes(), include_bytes!("bundle.rs")]);
    if let Some(bundle) = unchanged(folder, &source, &islands, with_compressed) {
        return Ok(bundle);
    }

    let mut output = Bindgen::new()
        .input_bytes("spillway", input)
        .web(true)?
        .typescript(false)
        .omit_default_module_path(true)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate_output()?;
    if output.js().contains("/snippets/") {
        bail!("a crate has its own JavaScript snippets; only wasm-bindgen's glue is served");
    }
    let exports: Vec<String> = output.wasm().exports.iter().map(|export| export.name.clone()).collect();
    check_islands(&islands, &exports)?;
    let glue = output.js().to_owned();
    let wasm = output.wasm_mut().emit_wasm();

    let fresh = folder.with_extension("new");
    if fresh.exists() {
        fs::remove_dir_all(&fresh)?;
    }
    fs::create_dir_all(&fresh)?;
    let add =
        |stem: &str, extension: &str, content: &[u8]| add(&fresh, stem, extension, content, with_compressed);
    let glue = add("spillway", "js", glue.as_bytes())?;
    let wasm = add("spillway", "wasm", &wasm)?;
    let starter = starter.replace("GLUE", &glue.0).replace("WASM", &wasm.0);
    let starter = add("start", "js", starter.as_bytes())?;
    let manifest = serde_json::json!({
        "source": source, "start": starter.0, "glue": glue.0, "wasm": wasm.0,
        "sizes": [[&starter.0, starter.1, starter.2], [&glue.0, glue.1, glue.2], [&wasm.0, wasm.1, wasm.2]],
    });
    fs::write(fresh.join("manifest.json"), serde_json::to_string_pretty(&manifest)?)?;
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::rename(&fresh, folder)?;
    Ok(Bundle { files: vec![starter, glue, wasm], islands, fresh: true })
}

/// The existing bundle, if the same code made it from the same input.
fn unchanged(folder: &Path, source: &str, islands: &[String], with_compressed: bool) -> Option<Bundle> {
    let manifest = fs::read_to_string(folder.join("manifest.json")).ok()?;
    let manifest: serde_json::Value = serde_json::from_str(&manifest).ok()?;
    if manifest["source"].as_str() != Some(source) {
        return None;
    }
    let files: Vec<(String, usize, Option<usize>)> =
        serde_json::from_value(manifest["sizes"].clone()).ok()?;
    let complete = files.iter().all(|(name, plain, compressed)| {
        fs::metadata(folder.join(name)).is_ok_and(|found| found.len() == *plain as u64)
            && compressed.is_some() == with_compressed
            && folder.join(format!("{name}.br")).is_file() == with_compressed
    });
    let files = files.into_iter().map(|(name, plain, compressed)| Written(name, plain, compressed)).collect();
    complete.then(|| Bundle { files, islands: islands.to_vec(), fresh: false })
}

/// Writes a file, and its compressed copy if `with_compressed` is set.
fn add(folder: &Path, stem: &str, extension: &str, content: &[u8], with_compressed: bool) -> Result<Written> {
    let name = format!("{stem}.{}.{extension}", hash(&[content]));
    fs::write(folder.join(&name), content)?;
    let compressed = with_compressed.then(|| compress(content)).transpose()?;
    if let Some(compressed) = &compressed {
        fs::write(folder.join(format!("{name}.br")), compressed)?;
    }
    Ok(Written(name, content.len(), compressed.map(|compressed| compressed.len())))
}

fn compress(content: &[u8]) -> Result<Vec<u8>> {
    let mut compressed = Vec::new();
    let parameters = brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 22, ..Default::default() };
    brotli::BrotliCompress(&mut &*content, &mut compressed, &parameters)?;
    Ok(compressed)
}

fn hash(parts: &[&[u8]]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// The islands that the sources declare, by name.
fn declared_islands(folder: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.extend(islands_in(&fs::read_to_string(&path)?));
            }
        }
    }
    found.sort();
    Ok(found)
}

fn islands_in(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = source.lines().map(str::trim);
    while let Some(line) = lines.next() {
        if line != "#[island]" {
            continue;
        }
        let name = lines
            .find_map(|line| line.strip_prefix("pub fn ").or_else(|| line.strip_prefix("pub(crate) fn ")));
        found.extend(name.and_then(|rest| rest.split(['(', '<']).next()).map(str::to_owned));
    }
    found
}

/// The linker silently drops an island that nothing refers to. Its page would then not react in the browser.
fn check_islands(islands: &[String], exports: &[String]) -> Result<()> {
    if islands.is_empty() {
        bail!("no island is declared in dashboard/app");
    }
    for island in islands {
        let exported = exports.iter().any(|export| {
            export
                .strip_prefix(island.as_str())
                .and_then(|rest| rest.strip_prefix('_'))
                .is_some_and(|hash| hash.bytes().all(|byte| byte.is_ascii_digit()))
        });
        if !exported {
            bail!(
                "the island {island} is missing from the wasm; does dashboard/frontend still use the app crate?"
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn islands_are_found_in_sources_and_asserted_in_exports() {
        let islands = islands_in(
            "#[component]\npub fn Page() {}\n#[island]\n#[expect(x)]\npub fn Live(every: u32) {}\n",
        );
        assert_eq!(islands, ["Live"]);
        let exported = ["memory".to_owned(), "Live_123".to_owned()];
        assert!(check_islands(&islands, &exported).is_ok());
        let error = check_islands(&islands, &["Lively_123".to_owned()]).unwrap_err();
        assert!(error.to_string().contains("Live is missing"), "{error}");
    }

    #[test]
    fn a_file_name_depends_on_its_content() {
        assert_ne!(hash(&[b"a", b"b"]), hash(&[b"ab"]));
        assert_eq!(hash(&[b"a"]).len(), 16);
    }
}
