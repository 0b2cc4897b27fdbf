//! The files that pages load. The server keeps them in memory, and each name has the hash of the content. So a page and
//! its files always match, even during a new build.

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use spillway_dashboard_app::shell::{AssetPaths, ScriptPaths};
use std::{collections::HashMap, fs, io, path, sync::Arc};
use thiserror::Error;

const ICON: &str = include_str!("../../../style/icon.svg");
const STYLES: &[&str] = &[
    include_str!("../../../style/tokens.css"),
    include_str!("../../../style/base.css"),
    include_str!("../../../style/components.css"),
    include_str!("../../../style/dead_letters.css"),
    include_str!("../../../style/overview.css"),
    include_str!("../../../style/metrics.css"),
    include_str!("../../../style/alarms.css"),
    spillway_dashboard_charts::CSS,
];

/// Why the browser's files cannot be read from their folder.
#[derive(Debug, Error)]
pub enum AssetsError {
    /// A file is missing or cannot be read.
    #[error("cannot read {}; build it with `cargo xtask wasm`", path.display())]
    Read {
        /// The file.
        path: path::PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The manifest has an unexpected format.
    #[error("{} is not a manifest of the browser's files; build them again with `cargo xtask wasm`", path.display())]
    Manifest {
        /// The file.
        path: path::PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

/// The files, by name.
pub struct Assets {
    files: HashMap<String, File>,
    paths: AssetPaths,
}

struct File {
    content_type: &'static str,
    plain: Vec<u8>,
    brotli: Option<Vec<u8>>,
}

#[derive(Deserialize)]
struct Manifest {
    start: String,
    glue: String,
    wasm: String,
}

impl Assets {
    /// Style sheet and icon only: pages work, but do not refresh automatically.
    pub fn without_scripts() -> Self {
        let mut files = HashMap::new();
        let style = STYLES.join("\n");
        let style = add(&mut files, "style", "css", "text/css; charset=utf-8", style.into_bytes());
        let icon = add(&mut files, "icon", "svg", "image/svg+xml", ICON.as_bytes().to_vec());
        Self { files, paths: AssetPaths { style, icon, script: None } }
    }

    /// Also the browser's files, which `cargo xtask wasm` writes into `pkg` below the site's folder.
    ///
    /// # Errors
    /// The files are missing or incomplete.
    pub fn with_site(site: &path::Path) -> Result<Self, AssetsError> {
        let folder = site.join("pkg");
        let read = |name: &str| {
            let path = folder.join(name);
            fs::read(&path).map_err(|source| AssetsError::Read { path, source })
        };
        let manifest: Manifest = serde_json::from_slice(&read("manifest.json")?)
            .map_err(|source| AssetsError::Manifest { path: folder.join("manifest.json"), source })?;
        let mut assets = Self::without_scripts();
        for name in [&manifest.start, &manifest.glue, &manifest.wasm] {
            let content_type =
                if name.ends_with(".wasm") { "application/wasm" } else { "text/javascript; charset=utf-8" };
            let file = File { content_type, plain: read(name)?, brotli: read(&format!("{name}.br")).ok() };
            assets.files.insert(name.clone(), file);
        }
        let path = |name: &str| format!("/assets/{name}");
        assets.paths.script = Some(ScriptPaths {
            start: path(&manifest.start),
            glue: path(&manifest.glue),
            wasm: path(&manifest.wasm),
        });
        Ok(assets)
    }

    /// The paths of the files, for the pages.
    pub fn paths(&self) -> &AssetPaths {
        &self.paths
    }
}

fn add(
    files: &mut HashMap<String, File>,
    stem: &str,
    extension: &str,
    content_type: &'static str,
    plain: Vec<u8>,
) -> String {
    let hash: String = Sha256::digest(&plain).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let name = format!("{stem}.{hash}.{extension}");
    files.insert(name.clone(), File { content_type, plain, brotli: None });
    format!("/assets/{name}")
}

/// Answers with a file. Browsers may cache it permanently, because its name changes with its content.
pub async fn serve(
    State(assets): State<Arc<Assets>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response {
    let Some(file) = assets.files.get(&name) else {
        return (StatusCode::NOT_FOUND, "There is no such file.\n").into_response();
    };
    let forever = [
        (header::CONTENT_TYPE, file.content_type),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::VARY, "accept-encoding"),
    ];
    match &file.brotli {
        Some(brotli) if takes_brotli(&headers) => {
            (forever, [(header::CONTENT_ENCODING, "br")], brotli.clone()).into_response()
        }
        _ => (forever, file.plain.clone()).into_response(),
    }
}

fn takes_brotli(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        name.trim() == "br" && !matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
    })
}
