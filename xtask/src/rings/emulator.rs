//! The AWS side, against an emulator that nobody here wrote.

use super::{JOURNEYS, build_programs, journeys_of, runner, terraform::Workspace, terraform_mirror};
use crate::{
    lambda,
    metadata::Package,
    process, python,
    ring::{Outcome, count},
    settings::Settings,
};
use anyhow::{Context, Result, bail};
use std::{
    fs::{self, File},
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

/// What the emulator is made of, from the Python package index, pinned.
const PACKAGES: &str = "xtask/python/emulator.txt";
/// The adapters' own tests on an emulator, which need no deployment.
const ADAPTERS: &str = "spillway-aws";

/// Runs the adapters' own tests, which need queues, tables and buckets but no deployment. They find the emulator in
/// `SPILLWAY_EMULATOR_ENDPOINT`.
///
/// # Errors
/// When the emulator or the runner cannot be started.
pub fn adapters(settings: &Settings, packages: &[Package]) -> Result<Outcome> {
    if !packages
        .iter()
        .any(|package| package.name == ADAPTERS && package.targets_of("test").contains(&"emulator"))
    {
        return Ok(Outcome::Skipped {
            reason: format!("{ADAPTERS} has no tests on an emulator"),
            remedy: "Add a test target `emulator` to it.".into(),
        });
    }
    let program = match program(settings) {
        Ok(program) => program,
        Err(error) => return Ok(missing(&error)),
    };
    process::step("adapters on an emulator");
    let emulator = Emulator::start(settings, &program)?;
    let mut run = runner(settings);
    run.args(["--package", ADAPTERS, "--features", "emulator", "--test", "emulator"]);
    run.env("SPILLWAY_EMULATOR_ENDPOINT", format!("http://{}", emulator.address));
    let (success, output) = process::watch(&mut run)?;
    Ok(Outcome::Ran(count(&output).ended(success)))
}

/// Runs the journeys whose name begins with `emulator`: the root module, applied, with the functions' release builds in it.
/// They find what they need in `SPILLWAY_EMULATOR`, `SPILLWAY_LAMBDA`, `SPILLWAY_BIN_DIR` and `SPILLWAY_TERRAFORM_PLUGINS`.
///
/// # Errors
/// When something does not build or a runner cannot be started.
pub fn emulator(settings: &Settings, packages: &[Package]) -> Result<Outcome> {
    let program = match program(settings) {
        Ok(program) => program,
        Err(error) => return Ok(missing(&error)),
    };
    if let Err(skipped) = Workspace::open(settings)? {
        return Ok(skipped);
    }
    lambda::build(settings, lambda::Architecture::NATIVE)?;
    let zips = settings.target.join("lambda");
    let programs = build_programs(settings)?;
    process::step("emulator journeys");
    // Cargo's own runner: the journeys share one deployment, and nextest would make one for each.
    let mut run = settings.cargo();
    run.args(["test", "--package", JOURNEYS]).env("SPILLWAY_EMULATOR", program);
    run.env("SPILLWAY_LAMBDA", zips).env("SPILLWAY_BIN_DIR", programs);
    if let Some(mirror) = terraform_mirror(settings) {
        run.env("SPILLWAY_TERRAFORM_PLUGINS", mirror);
    }
    for journey in journeys_of(packages, "emulator") {
        run.args(["--test", journey]);
    }
    let (success, output) = process::watch(&mut run)?;
    Ok(Outcome::Ran(count(&output).ended(success)))
}

fn missing(error: &anyhow::Error) -> Outcome {
    Outcome::Skipped {
        reason: format!("the emulator cannot be installed: {error:#}"),
        remedy: python::REMEDY.into(),
    }
}

/// The program, in an environment of its own.
fn program(settings: &Settings) -> Result<PathBuf> {
    let environment = python::environment(&settings.target.join("emulator"), &settings.root.join(PACKAGES))?;
    Ok(environment.program("ministack"))
}

/// A running emulator; it ends when this is dropped. Nobody gives it functions to run, so it has no children.
struct Emulator {
    child: Child,
    address: SocketAddr,
    folder: PathBuf,
}

impl Emulator {
    fn start(settings: &Settings, program: &Path) -> Result<Self> {
        let address = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr())?;
        let folder = settings.target.join(format!("emulator-{}", address.port()));
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let log = File::create(folder.join("log"))?;
        let child = Command::new(program)
            .env_clear()
            .envs([
                ("PATH", "/usr/local/bin:/usr/bin:/bin"),
                ("BIND_HOST", "127.0.0.1"),
                ("MINISTACK_HOST", "127.0.0.1"),
            ])
            .env("GATEWAY_PORT", address.port().to_string())
            .env("AWS_ENDPOINT_URL", format!("http://{address}"))
            .envs(["HOME", "TMPDIR", "S3_DATA_DIR"].map(|name| (name, &folder)))
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let mut emulator = Self { child, address, folder };
        emulator.wait()?;
        Ok(emulator)
    }

    /// Half a minute at most; it takes a second.
    fn wait(&mut self) -> Result<()> {
        for _ in 0..300 {
            if self.child.try_wait()?.is_some() {
                break;
            }
            if self.answers().unwrap_or(false) {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(100));
        }
        bail!(
            "the emulator does not answer: {}",
            fs::read_to_string(self.folder.join("log")).unwrap_or_default()
        );
    }

    fn answers(&self) -> std::io::Result<bool> {
        let mut stream = TcpStream::connect_timeout(&self.address, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        stream
            .write_all(b"GET /_ministack/health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer.starts_with("HTTP/1.1 200"))
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // It may have ended by itself, and its folder is below the target folder in any case.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
