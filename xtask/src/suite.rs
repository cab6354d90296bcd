//! `cargo xtask test`: everything that must hold before a change is taken.

use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::time::Instant;

use anyhow::{Context, Result};

use crate::backends::{self, Backends};
use crate::check;
use crate::interrupt::Interrupt;
use crate::layout::Layout;
use crate::process::{cargo, find_program};
use crate::progress::seconds;
use crate::{python, tools};

/// Runs all steps up to the first that fails; with filters only the tests whose names match.
pub(crate) fn run(layout: &Layout, filters: &[String]) -> Result<ExitCode> {
    if filters.is_empty() {
        for step in STATIC_STEPS {
            let code = step.run(layout)?;
            if code != ExitCode::SUCCESS {
                return Ok(code);
            }
        }
    }
    tools::require()?;
    python::require(layout)?;
    let backends = backends::up(layout, &backends::NAMES)?;
    // Ctrl-C ends cargo; what was started for it is ended here.
    let _interrupt = Interrupt::watch()?;
    let outcome = tests(layout, &backends.backends, filters);
    backends::down(layout, &backends.started)?;
    outcome
}

/// A step that needs nothing to run.
struct Step {
    name: &'static str,
    what: What,
}

enum What {
    /// `cargo` with these arguments and this additional variable.
    Cargo(
        &'static [&'static str],
        Option<(&'static str, &'static str)>,
    ),
    /// The same, when the program is installed.
    Optional(&'static str, &'static [&'static str]),
    Check,
}

const STATIC_STEPS: [Step; 5] = [
    Step {
        name: "format",
        what: What::Cargo(&["fmt", "--all", "--check"], None),
    },
    Step {
        name: "layers, rooms, sizes",
        what: What::Check,
    },
    Step {
        name: "clippy",
        what: What::Cargo(
            &[
                "clippy",
                "--workspace",
                "--all-targets",
                "--locked",
                "--",
                "-D",
                "warnings",
            ],
            None,
        ),
    },
    Step {
        name: "documentation",
        what: What::Cargo(
            &["doc", "--workspace", "--no-deps", "--locked"],
            Some(("RUSTDOCFLAGS", "-D warnings")),
        ),
    },
    Step {
        name: "licences, advisories",
        what: What::Optional("cargo-deny", &["deny", "check"]),
    },
];

impl Step {
    fn run(&self, layout: &Layout) -> Result<ExitCode> {
        let started = announce(self.name);
        let code = match &self.what {
            What::Check => check::run(layout)?,
            What::Cargo(arguments, variable) => {
                let mut command = cargo_in(layout, arguments);
                command.envs(*variable);
                exit_code(command.status().context("cannot run cargo")?)
            }
            What::Optional(program, _) if find_program(program).is_none() => {
                println!("skipped: {program} is not installed");
                return Ok(ExitCode::SUCCESS);
            }
            What::Optional(_, arguments) => exit_code(
                cargo_in(layout, arguments)
                    .status()
                    .context("cannot run cargo")?,
            ),
        };
        conclude(self.name, started, code == ExitCode::SUCCESS);
        Ok(code)
    }
}

/// Runs the tests on real backends, passes their output through and adds up their results. Cargo builds
/// all that is tested first; the program too, which the tests of its own package ask for and those of
/// crashes use.
fn tests(layout: &Layout, backends: &Backends, filters: &[String]) -> Result<ExitCode> {
    let started = announce("tests");
    let mut command = cargo_in(
        layout,
        &["test", "--workspace", "--locked", "--no-fail-fast"],
    );
    command
        .envs(addresses(backends))
        .arg("--")
        .args(filters)
        .stdout(Stdio::piped());
    let mut child = command.spawn().context("cannot run cargo test")?;
    let output = child.stdout.take().context("cargo test has no output")?;
    let mut totals = Totals::default();
    for line in BufReader::new(output).lines() {
        let line = line?;
        println!("{line}");
        totals.add(&line);
    }
    let code = exit_code(child.wait()?);
    conclude("tests", started, code == ExitCode::SUCCESS);
    println!("{} passed, {} failed", totals.passed, totals.failed);
    Ok(code)
}

fn addresses(backends: &Backends) -> impl Iterator<Item = (&'static str, &String)> {
    let all = [
        ("REEN_TEST_MONGO_URL", &backends.mongo),
        ("REEN_TEST_BROKER_URL", &backends.broker),
        ("REEN_TEST_BROKER_API", &backends.broker_api),
        ("REEN_TEST_REDIS_URL", &backends.redis),
    ];
    all.into_iter()
        .filter_map(|(key, url)| Some((key, url.as_ref()?)))
}

/// What all test binaries together said.
#[derive(Debug, Default, PartialEq, Eq)]
struct Totals {
    passed: u64,
    failed: u64,
}

impl Totals {
    /// Counts a line like `test result: ok. 3 passed; 0 failed; 0 ignored; …`.
    fn add(&mut self, line: &str) {
        let Some(result) = line.trim_start().strip_prefix("test result: ") else {
            return;
        };
        self.passed += counted(result, "passed");
        self.failed += counted(result, "failed");
    }
}

/// The number before ` what;`.
fn counted(result: &str, what: &str) -> u64 {
    let words: Vec<&str> = result.split([' ', ';']).collect();
    words
        .windows(2)
        .find(|pair| pair[1] == what)
        .and_then(|pair| pair[0].parse().ok())
        .unwrap_or(0)
}

fn cargo_in(layout: &Layout, arguments: &[&str]) -> Command {
    let mut command = Command::new(cargo());
    command.current_dir(layout.root()).args(arguments);
    command
}

fn announce(name: &str) -> Instant {
    println!("\n── {name}");
    Instant::now()
}

fn conclude(name: &str, started: Instant, success: bool) {
    let mark = if success { "✓" } else { "✗" };
    println!("{mark} {name}  {}", seconds(started.elapsed()));
}

/// A program's own code; one that was ended by a signal has failed.
pub(crate) fn exit_code(status: ExitStatus) -> ExitCode {
    status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .map_or(ExitCode::FAILURE, ExitCode::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_all_binaries_are_added_up() {
        let mut totals = Totals::default();
        totals.add("running 3 tests");
        totals.add("test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out");
        totals.add("test result: FAILED. 12 passed; 2 failed; 0 ignored; finished in 0.03s");
        totals.add("test the_result: 5 passed;");
        assert_eq!(
            totals,
            Totals {
                passed: 15,
                failed: 2
            }
        );
    }
}
