//! Programs that tests run, and that no process of the mesh needs.

use anyhow::Result;

use crate::backends::install;
use crate::process::find_program;

/// Each with Debian's package of the same name.
const PROGRAMS: [&str; 2] = ["nginx", "docker-compose"];

/// Installs those that are missing.
pub(crate) fn require() -> Result<()> {
    for program in PROGRAMS {
        if find_program(program).is_none() {
            install::apt_install(program)?;
            install::installed(program)?;
        }
    }
    Ok(())
}
