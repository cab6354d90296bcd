//! Processes that outlive xtask, and the cargo that it runs.

pub(crate) use reen_backends::process::{
    Known, find_program, run_quietly, start_detached, tail, wait_ready,
};

/// The cargo that runs this xtask.
pub(crate) fn cargo() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}
