//! `.reen/venv`: Python with the packages that tests ask, as `tests/prove/requirements.txt` pins them.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::layout::Layout;
use crate::process::run_quietly;
use crate::progress;

const REQUIREMENTS: &str = "tests/prove/requirements.txt";
/// Beside the packages: what was asked for when they were installed.
const INSTALLED: &str = "requirements.txt";

/// Makes sure that the environment is there and is what the requirements say.
pub(crate) fn require(layout: &Layout) -> Result<()> {
    let _lock = layout.lock("venv")?;
    let venv = layout.installed().join("venv");
    let required = layout.root().join(REQUIREMENTS);
    let wanted = fs::read_to_string(&required)
        .with_context(|| format!("cannot read {}", required.display()))?;
    if is_installed(&venv, &wanted) {
        return Ok(());
    }
    if venv.exists() {
        fs::remove_dir_all(&venv).with_context(|| format!("cannot remove {}", venv.display()))?;
    }
    make(&venv)?;
    install(&venv, &required)?;
    // Last of all: an installation that was interrupted does not count.
    fs::write(venv.join(INSTALLED), wanted).context("cannot note what was installed")
}

/// A newer Python of the system leaves a link behind that leads nowhere.
fn is_installed(venv: &Path, wanted: &str) -> bool {
    let installed = fs::read_to_string(venv.join(INSTALLED));
    venv.join("bin/python").exists() && installed.is_ok_and(|installed| installed == wanted)
}

fn make(venv: &Path) -> Result<()> {
    let made = progress::step("making a Python environment", || {
        run_quietly(Command::new("python3").args(["-m", "venv"]).arg(venv))
    });
    if let Err(error) = made {
        bail!("{error:#}\nPython 3.11 with venv is needed: apt-get install python3-venv");
    }
    Ok(())
}

fn install(venv: &Path, required: &Path) -> Result<()> {
    let mut pip = Command::new(venv.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--no-input"])
        .arg("--disable-pip-version-check")
        .arg("--requirement")
        .arg(required);
    progress::step("installing what the tests ask of Python", || {
        run_quietly(&mut pip)
    })
    .with_context(|| format!("pip cannot install {REQUIREMENTS}; is the network there?"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_installed_for_other_requirements_does_not_count() {
        let venv = tempfile::tempdir().unwrap();
        fs::create_dir(venv.path().join("bin")).unwrap();
        fs::write(venv.path().join("bin/python"), "").unwrap();
        assert!(!is_installed(venv.path(), "a==1"), "interrupted");
        fs::write(venv.path().join(INSTALLED), "a==1").unwrap();
        assert!(is_installed(venv.path(), "a==1"));
        assert!(!is_installed(venv.path(), "a==2"));
        fs::remove_file(venv.path().join("bin/python")).unwrap();
        assert!(!is_installed(venv.path(), "a==1"), "Python is gone");
    }
}
