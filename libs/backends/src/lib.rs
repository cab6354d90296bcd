//! MongoDB, RabbitMQ and Redis as private processes: each in a folder of its own, on loopback ports
//! of its own, with nothing shared with a service of the system.
//!
//! `cargo xtask` starts the backends of a checkout with it, and tests start some for themselves, to
//! kill them: a [`mongo::ReplicaSet`] of one or several members, a [`rabbitmq::Node`], a
//! [`redis::Cache`].
//!
//! ```no_run
//! # fn example() -> anyhow::Result<()> {
//! use reen_backends::{mongo, private_folder};
//!
//! let mongod = mongo::Mongod::find(&private_folder())?;
//! let mut set = mongo::ReplicaSet::start(&mongod, std::path::Path::new("/tmp/set"), 3)?;
//! set.step_down()?;
//! if let Some(primary) = set.primary() {
//!     set.kill(primary);
//!     set.restart(primary)?;
//! }
//! # Ok(())
//! # }
//! ```

pub mod mongo;
pub mod ports;
pub mod process;
pub mod rabbitmq;
pub mod redis;
mod server;

use std::path::{Path, PathBuf};

pub use server::Server;

/// The folder of this checkout in which `cargo xtask` keeps what it downloaded.
#[must_use]
pub fn private_folder() -> PathBuf {
    // What cargo says now comes first: a target folder may outlive the checkout that it was built in.
    let built_in = || PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(built_in, PathBuf::from);
    let is_root = |folder: &&Path| folder.join("Cargo.lock").is_file();
    package
        .ancestors()
        .find(is_root)
        .unwrap_or(&package)
        .join(".reen")
}
