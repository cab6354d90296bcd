//! The whole mesh in one process, on fresh databases, a fresh virtual host and a Stripe stand-in: each
//! app on a port of its own, speaking gRPC and HTTP as in production. Only tests use this crate.
#![expect(clippy::expect_used, reason = "a test harness fails by panicking")]

mod counted;
mod invariants;
mod mesh;
mod python;
mod replica;
mod replicas;
mod shop;

pub use invariants::{assert_invariants, databases, report};
pub use mesh::{CLERK_SECRET, Mesh, Scene, WEBHOOK_SECRET};
pub use python::{ask_python, prove_file, python_program, workspace};
pub use replica::GatewayReplica;
pub use replicas::Replicas;
pub use shop::{Answer, Client, PASSWORD, cents};
