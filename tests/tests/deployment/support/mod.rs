mod compose;
mod door;
mod kubernetes;
mod nginx;
mod roles;
mod secrets;
mod stub;

pub(crate) use compose::{Compose, Service};
pub(crate) use door::Door;
pub(crate) use kubernetes::{Cluster, Pod};
pub(crate) use nginx::Nginx;
pub(crate) use roles::{Container, Reading, read};
pub(crate) use secrets::Secrets;
pub(crate) use stub::{Stub, head_of};
