//! Programs that tests run, and that no process of the mesh needs.

use anyhow::Result;

use crate::backends::install;
use crate::process::find_program;

/// Each with the package of Debian's that brings it.
const PROGRAMS: [(&str, &str); 3] = [
    ("nginx", "nginx"),
    ("docker-compose", "docker-compose"),
    ("promtool", "prometheus"),
];

/// Installs those that are missing.
pub(crate) fn require() -> Result<()> {
    for (program, package) in PROGRAMS {
        if find_program(program).is_none() {
            install::apt_install(package)?;
            install::installed(program)?;
        }
    }
    Ok(())
}
