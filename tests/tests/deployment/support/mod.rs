mod compose;
mod door;
mod nginx;
mod roles;
mod secrets;
mod stub;

pub(crate) use compose::{Compose, Service};
pub(crate) use door::Door;
pub(crate) use nginx::Nginx;
pub(crate) use roles::read;
pub(crate) use secrets::Secrets;
pub(crate) use stub::{Stub, head_of};
