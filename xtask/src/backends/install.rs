//! Getting servers onto a machine that has none: Debian's packages and one Python wheel, each
//! verified, the private ones unpacked below `.reen/opt` without touching the system.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::layout::Layout;
use crate::process::{find_program, run_quietly};
use crate::progress;

/// The downloads unpack to about 400 MiB, and MongoDB's journal wants room as well.
const FREE_BYTES_NEEDED: u64 = 3 << 29;

/// Stops before anything is downloaded onto a disk that is too full for it.
pub(crate) fn require_space(layout: &Layout) -> Result<()> {
    let folder = layout.private_folder("")?;
    let disk = rustix::fs::statvfs(&folder)
        .with_context(|| format!("cannot read the free space at {}", folder.display()))?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    if free < FREE_BYTES_NEEDED {
        bail!(
            "the disk is too full: {} MiB are free at {}, the backends need {} MiB",
            free >> 20,
            folder.display(),
            FREE_BYTES_NEEDED >> 20
        );
    }
    Ok(())
}

/// Installs a Debian package for the whole system, as root only.
pub(crate) fn apt_install(package: &str) -> Result<()> {
    let by_hand = format!("apt-get update && apt-get install --no-install-recommends {package}");
    if find_program("apt-get").is_none() {
        bail!("{package} is missing and this system has no apt-get: install it and try again");
    }
    if !rustix::process::geteuid().is_root() {
        bail!("{package} is missing. Install it and try again: sudo sh -c '{by_hand}'");
    }
    progress::step("apt-get update", || run_quietly(apt_get().arg("update")))
        .with_context(|| failed_download(&by_hand))?;
    let install = ["install", "--yes", "--no-install-recommends", package];
    progress::step(&format!("apt-get install {package}"), || {
        run_quietly(apt_get().args(install))
    })
    .with_context(|| failed_download(&by_hand))?;
    Ok(())
}

/// Downloads a package from an older Debian than the machine's own, with a private list, so that
/// the system's sources stay as they are.
pub(crate) fn apt_download_older(
    suite: &str,
    package: &str,
    sha256: &str,
    folder: &Path,
) -> Result<PathBuf> {
    let lists = folder.join("apt-lists");
    fs::create_dir_all(lists.join("partial"))?;
    let source_list = folder.join("sources.list");
    fs::write(&source_list, older_source_line(suite)?)?;
    let private = |action: &[&str]| {
        let mut command = apt_get();
        command
            .current_dir(folder)
            .args(["-o", "Dir::Etc::sourceparts=-", "-o"])
            .arg(format!("Dir::Etc::sourcelist={}", source_list.display()))
            .arg("-o")
            .arg(format!("Dir::State::Lists={}", lists.display()))
            .args(action);
        run_quietly(&mut command)
    };
    progress::step(
        &format!("downloading {package} of Debian's {suite}"),
        || {
            private(&["update"])?;
            private(&["download", package])
        },
    )
    .with_context(|| failed_download(&format!("apt-get download {package} ({suite})")))?;
    let file = find_file(folder, package, "deb")?;
    verify_sha256(&file, sha256)?;
    Ok(file)
}

/// Unpacks a Debian package into a folder; no script of it is run.
pub(crate) fn unpack_deb(package: &Path, into: &Path) -> Result<()> {
    run_quietly(Command::new("dpkg").arg("-x").arg(package).arg(into))?;
    Ok(())
}

/// Downloads one wheel from the Python package index that pip is configured for.
pub(crate) fn pip_download(requirement: &str, sha256: &str, folder: &Path) -> Result<PathBuf> {
    let pip = [
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--only-binary=:all:",
    ];
    let mut probe = Command::new("python3");
    if run_quietly(probe.args(["-m", "pip", "--version"])).is_err() {
        bail!("pip is missing. Install it and try again: apt-get install python3-pip");
    }
    progress::step(&format!("downloading {requirement} with pip"), || {
        run_quietly(
            Command::new("python3")
                .args(pip)
                .arg("--dest")
                .arg(folder)
                .arg(requirement),
        )
    })
    .with_context(|| failed_download(&format!("pip download --no-deps {requirement}")))?;
    let (name, _) = requirement.split_once("==").unwrap_or((requirement, ""));
    let wheel = find_file(folder, &name.replace('-', "_"), "whl")?;
    verify_sha256(&wheel, sha256)?;
    Ok(wheel)
}

/// Unpacks a wheel, which is a zip file; Python is there, since pip was.
pub(crate) fn unpack_wheel(wheel: &Path, into: &Path) -> Result<()> {
    run_quietly(
        Command::new("python3")
            .args(["-m", "zipfile", "-e"])
            .arg(wheel)
            .arg(into),
    )?;
    Ok(())
}

/// A program that was installed a moment ago.
pub(crate) fn installed(program: &str) -> Result<PathBuf> {
    find_program(program)
        .with_context(|| format!("{program} is still missing after it was installed"))
}

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command
        .env("DEBIAN_FRONTEND", "noninteractive")
        // As on the way up of a single user: the service that a package brings is not started.
        .env("RUNLEVEL", "1")
        .arg("--quiet");
    command
}

fn failed_download(by_hand: &str) -> String {
    format!("the download failed; is the network there? To try it by hand: {by_hand}")
}

fn verify_sha256(file: &Path, expected: &str) -> Result<()> {
    let printed = run_quietly(Command::new("sha256sum").arg(file))?;
    let actual = printed.split_whitespace().next().unwrap_or_default();
    if actual == expected {
        return Ok(());
    }
    fs::remove_file(file)?;
    bail!(
        "{} is not the file that was expected and was removed: sha256 {actual}, not {expected}",
        file.display()
    )
}

fn find_file(folder: &Path, prefix: &str, extension: &str) -> Result<PathBuf> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with(prefix) && path.extension().is_some_and(|found| found == extension) {
            return Ok(path);
        }
    }
    bail!(
        "no {prefix}*.{extension} was downloaded to {}",
        folder.display()
    )
}

/// One line for the mirror that this machine's own sources name, signed by Debian's keyring.
fn older_source_line(suite: &str) -> Result<String> {
    const FILES: [&str; 2] = [
        "/etc/apt/sources.list.d/debian.sources",
        "/etc/apt/sources.list",
    ];
    let mirror = FILES
        .iter()
        .filter_map(|file| fs::read_to_string(file).ok())
        .find_map(|sources| first_mirror(&sources))
        .context(
            "no Debian mirror is named in /etc/apt: install mongod, or Docker, and try again",
        )?;
    Ok(format!(
        "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {mirror} {suite} main\n"
    ))
}

/// The first URI in either format of apt's sources that is a mirror of the main archive.
fn first_mirror(sources: &str) -> Option<String> {
    sources
        .lines()
        .filter(|line| line.starts_with("URIs:") || line.starts_with("deb "))
        .flat_map(str::split_whitespace)
        .find(|word| word.contains("://") && word.trim_end_matches('/').ends_with("/debian"))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mirror_is_read_from_both_formats() {
        let deb822 = "Types: deb\n# comment\nURIs: http://mirror.test/debian\nSuites: bookworm\n";
        let one_line = "deb http://mirror.test/debian-security bookworm-security main\n\
                        deb [arch=amd64] http://mirror.test/debian/ bookworm main\n";
        assert_eq!(
            first_mirror(deb822).as_deref(),
            Some("http://mirror.test/debian")
        );
        assert_eq!(
            first_mirror(one_line).as_deref(),
            Some("http://mirror.test/debian/")
        );
        assert_eq!(first_mirror("# deb http://mirror.test/debian x main"), None);
    }

    #[test]
    fn a_file_with_another_hash_is_refused_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("download");
        fs::write(&file, "abc").unwrap();
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        verify_sha256(&file, abc).unwrap();
        assert!(verify_sha256(&file, &abc.replace('b', "c")).is_err());
        assert!(!file.exists());
    }
}
