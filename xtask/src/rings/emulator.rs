//! The AWS part of the system, tested on third-party emulators of AWS.

use super::{JOURNEYS, journeys_of, terraform::Workspace, terraform_mirror, test_program};
use crate::{
    lambda,
    metadata::Package,
    process, python,
    ring::{Counts, Outcome, count},
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

/// The emulator for whole deployments.
const MINISTACK: Made = Made {
    packages: "xtask/python/emulator.txt",
    environment: "emulator",
    program: "ministack",
    health: "/_ministack/health",
};
/// The emulator that supports X-Ray and Budgets.
const MOTO: Made = Made {
    packages: "xtask/python/moto.txt",
    environment: "moto",
    program: "moto_server",
    health: "/moto-api/",
};
/// The emulators for tests of adapters, each with the variable for its URL.
const EMULATORS: [(&Made, &str); 2] =
    [(&MINISTACK, "SPILLWAY_EMULATOR_ENDPOINT"), (&MOTO, "SPILLWAY_MOTO_ENDPOINT")];
/// Packages whose adapters are tested on emulators without a deployment.
const ADAPTERS: [&str; 2] = ["spillway-aws", "spillway-dashboard-aws"];

/// The Python packages that make an emulator, pinned.
struct Made {
    packages: &'static str,
    environment: &'static str,
    program: &'static str,
    health: &'static str,
}

impl Made {
    fn program(&self, settings: &Settings) -> Result<PathBuf> {
        let folder = settings.target.join(self.environment);
        Ok(python::environment(&folder, &settings.root.join(self.packages))?.program(self.program))
    }
}

/// Runs the adapters' own tests, which need queues, tables and buckets but no deployment.
pub fn adapters(settings: &Settings, packages: &[Package]) -> Result<Outcome> {
    let mut running = Vec::new();
    for (made, variable) in EMULATORS {
        let program = match made.program(settings) {
            Ok(program) => program,
            Err(error) => return Ok(missing(&error)),
        };
        running.push((variable, Emulator::start(settings, made, &program)?));
    }
    let mut counts = Counts::default();
    for package in ADAPTERS {
        let has_tests = |of: &Package| of.name == package && of.targets_of("test").contains(&"emulator");
        if !packages.iter().any(has_tests) {
            return Ok(Outcome::Skipped {
                reason: format!("{package} has no tests on an emulator"),
                remedy: "Add a test target `emulator` to it.".into(),
            });
        }
        process::step(&format!("{package} on emulators"));
        let mut run = test_program(settings, packages, package, "emulator")?;
        run.envs(
            running.iter().map(|(variable, emulator)| (*variable, format!("http://{}", emulator.address))),
        );
        let (success, output) = process::watch(&mut run)?;
        counts = counts.and(count(&output).ended(success));
    }
    Ok(Outcome::Ran(counts))
}

/// Runs the journeys whose name begins with `emulator`. They apply the root module, with the functions' zips. They find the programs through `SPILLWAY_EMULATOR`, `SPILLWAY_LAMBDA`, `SPILLWAY_BIN_DIR` and
/// `SPILLWAY_TERRAFORM_PLUGINS`.
pub fn emulator(settings: &Settings, packages: &[Package]) -> Result<Outcome> {
    let program = match MINISTACK.program(settings) {
        Ok(program) => program,
        Err(error) => return Ok(missing(&error)),
    };
    if let Err(skipped) = Workspace::open(settings)? {
        return Ok(skipped);
    }
    if let Err(error) = lambda::tools(settings, lambda::Architecture::NATIVE) {
        return Ok(Outcome::Skipped {
            reason: format!("the functions cannot be built: {error:#}"),
            remedy: lambda::REMEDY.into(),
        });
    }
    lambda::build(settings, lambda::Architecture::NATIVE, lambda::Optimised::ForTests)?;
    let zips = lambda::Optimised::ForTests.zips(settings);
    process::step("emulator journeys");
    let mut counts = Counts::default();
    for journey in journeys_of(packages, "emulator") {
        let mut run = test_program(settings, packages, JOURNEYS, journey)?;
        run.env("SPILLWAY_EMULATOR", &program).env("SPILLWAY_LAMBDA", &zips);
        if let Some(mirror) = terraform_mirror(settings) {
            run.env("SPILLWAY_TERRAFORM_PLUGINS", mirror);
        }
        let (success, output) = process::watch(&mut run)?;
        counts = counts.and(count(&output).ended(success));
    }
    Ok(Outcome::Ran(counts))
}

fn missing(error: &anyhow::Error) -> Outcome {
    Outcome::Skipped {
        reason: format!("the emulator cannot be installed: {error:#}"),
        remedy: python::REMEDY.into(),
    }
}

/// An empty emulator for whole deployments, for a benchmark.
pub fn empty(settings: &Settings) -> Result<Emulator> {
    Emulator::start(settings, &MINISTACK, &MINISTACK.program(settings)?)
}

/// A running emulator; it ends when this is dropped. It gets no functions to run, so it has no child processes.
pub struct Emulator {
    made: &'static Made,
    child: Child,
    /// The address on which it answers.
    pub address: SocketAddr,
    folder: PathBuf,
}

impl Emulator {
    fn start(settings: &Settings, made: &'static Made, program: &Path) -> Result<Self> {
        let address = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr())?;
        let folder = settings.target.join(format!("emulator-{}", address.port()));
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let log = File::create(folder.join("log"))?;
        let mut command = Command::new(program);
        if made.program == MOTO.program {
            command.args(["-H", "127.0.0.1", "-p", &address.port().to_string()]);
        }
        let child = command
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
        let mut emulator = Self { made, child, address, folder };
        emulator.wait()?;
        Ok(emulator)
    }

    /// Waits until the emulator answers, for half a minute at most. It usually takes a second.
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
        let request =
            format!("GET {} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n", self.made.health);
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer.starts_with("HTTP/1.1 200") || answer.starts_with("HTTP/1.0 200"))
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // The emulator may have ended already. Its folder is below the target folder in any case.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
