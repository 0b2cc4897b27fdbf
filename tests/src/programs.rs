//! The locations of the programs under test.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// The programs and folders that tests use, from the environment or from the default location of a build.
#[derive(Debug)]
pub struct Programs {
    /// Folder with the program (`SPILLWAY_BIN_DIR`, or `release` in the target folder).
    folder: PathBuf,
    /// Folder with the browser's part of the dashboard (`SPILLWAY_SITE`, or `site` in the target folder).
    site: PathBuf,
    /// The browser (`SPILLWAY_CHROMIUM`, or `chromium` on the path).
    pub chromium: PathBuf,
    /// Its WebDriver (`SPILLWAY_CHROMEDRIVER`, or `chromedriver` on the path).
    pub chromedriver: PathBuf,
    /// The emulator of AWS (`SPILLWAY_EMULATOR`, or `ministack` on the path).
    pub emulator: PathBuf,
    /// Terraform (`SPILLWAY_TERRAFORM`, or `terraform` on the path).
    pub terraform: PathBuf,
    /// A folder with an unpacked mirror of Terraform's providers (`SPILLWAY_TERRAFORM_PLUGINS`).
    pub terraform_plugins: Option<PathBuf>,
    /// Folder with the functions' zips (`SPILLWAY_LAMBDA`, or `lambda` in the target folder).
    pub lambda: PathBuf,
    /// A Python with the SDK of CloudEvents (`SPILLWAY_SDK_PYTHON`, or `python3` on the path).
    pub sdk_python: PathBuf,
    /// A folder with the SDK in `node_modules` (`SPILLWAY_SDK_JAVASCRIPT`, or `sdk-javascript` in the target folder).
    pub sdk_javascript: PathBuf,
    /// The target folder, for files that tests write for people.
    pub target: PathBuf,
}

static PROGRAMS: LazyLock<Programs> = LazyLock::new(Programs::from_environment);

/// The programs of this test run.
pub fn programs() -> &'static Programs {
    &PROGRAMS
}

impl Programs {
    fn from_environment() -> Self {
        #[expect(clippy::disallowed_methods, reason = "this is the tests' one place")]
        let path = |name: &str| std::env::var_os(name).map(PathBuf::from);
        let target = target_folder();
        Self {
            folder: path("SPILLWAY_BIN_DIR").unwrap_or_else(|| target.join("release")),
            site: path("SPILLWAY_SITE").unwrap_or_else(|| target.join("site")),
            chromium: path("SPILLWAY_CHROMIUM").unwrap_or_else(|| on_path("chromium")),
            chromedriver: path("SPILLWAY_CHROMEDRIVER").unwrap_or_else(|| on_path("chromedriver")),
            emulator: path("SPILLWAY_EMULATOR").unwrap_or_else(|| on_path("ministack")),
            terraform: path("SPILLWAY_TERRAFORM").unwrap_or_else(|| on_path("terraform")),
            terraform_plugins: path("SPILLWAY_TERRAFORM_PLUGINS"),
            sdk_python: path("SPILLWAY_SDK_PYTHON").unwrap_or_else(|| on_path("python3")),
            sdk_javascript: path("SPILLWAY_SDK_JAVASCRIPT").unwrap_or_else(|| target.join("sdk-javascript")),
            lambda: path("SPILLWAY_LAMBDA").unwrap_or_else(|| target.join("lambda")),
            target,
        }
    }

    /// The program `spillway`.
    pub fn spillway(&self) -> PathBuf {
        let program = self.folder.join(format!("spillway{}", std::env::consts::EXE_SUFFIX));
        assert!(
            program.is_file(),
            "{} is missing: build it with `cargo build --release`, or name its folder in SPILLWAY_BIN_DIR",
            program.display()
        );
        program
    }

    /// The browser's part of the dashboard.
    pub fn site(&self) -> &Path {
        assert!(
            self.site.is_dir(),
            "{} is missing: build it with `cargo xtask wasm`, or name its folder in SPILLWAY_SITE",
            self.site.display()
        );
        &self.site
    }
}

/// The target folder of this test's own build: `target/debug/deps/name-hash` is three levels below it.
fn target_folder() -> PathBuf {
    let executable = std::env::current_exe().expect("the system knows this program's path");
    let above = executable.ancestors().find(|folder| folder.join("CACHEDIR.TAG").is_file());
    above.expect("cargo marks its target folder").to_owned()
}

fn on_path(name: &str) -> PathBuf {
    #[expect(clippy::disallowed_methods, reason = "this is the tests' one place")]
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file());
    found.unwrap_or_else(|| PathBuf::from(name))
}
