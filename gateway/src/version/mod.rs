//! The versions of the interface, and which of them a request speaks.
//!
//! There is one set of handlers, routed by the paths of version 1. [`route`] finds out how a request asks
//! and, where that is not version 1, puts it on the path that the router knows; [`keep`] holds the answer
//! open for whoever shows something while it is made: views look at [`Asked::current`]. What a version
//! takes and shows is in its document, from which its rules are read.

mod asked;
mod history;
mod keep;
mod route;

pub(crate) use asked::{Asked, Version};
pub(crate) use history::{announce_retirements, rename_paths, routed_path};
pub(crate) use keep::{VERSION, keep};
pub(crate) use route::{asked_uri, route};
