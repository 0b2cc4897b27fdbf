//! Lists the rule files, scenarios and runbooks, so that a new one requires no change of Rust code.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs, io};

/// Name of the list, its folder, how its files end, and what each name begins with.
const LISTS: [(&str, &str, &str, &str); 3] = [
    ("rules", "rules", ".yaml", ""),
    ("scenarios", "tests/scenarios", ".yaml", "alerts/tests/scenarios/"),
    ("runbooks", "../docs/runbooks", ".md", ""),
];

fn main() -> io::Result<()> {
    #[expect(
        clippy::disallowed_methods,
        reason = "cargo passes its folder to a build script in the environment"
    )]
    let given = |name| env::var_os(name).map(PathBuf::from).ok_or(io::ErrorKind::NotFound);
    // The folder of this run: a build script that was compiled in another checkout is the same program.
    let (out, package) = (given("OUT_DIR")?, given("CARGO_MANIFEST_DIR")?);
    for (list, folder, ending, beginning) in LISTS {
        let folder = package.join(folder);
        println!("cargo::rerun-if-changed={}", folder.display());
        let mut names = Vec::new();
        for entry in fs::read_dir(&folder)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name.ends_with(ending) && name != "README.md" {
                names.push(name);
            }
        }
        names.sort();
        let mut text = String::from("&[\n");
        for name in names {
            let path = folder.join(&name).display().to_string();
            // Writing to a string cannot fail.
            let _ = writeln!(text, "({:?}, include_str!({path:?})),", format!("{beginning}{name}"));
        }
        text.push_str("]\n");
        fs::write(out.join(format!("{list}.in")), text)?;
    }
    Ok(())
}
