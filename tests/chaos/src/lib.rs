//! Real processes, real SIGKILL: the mesh under buyers while its processes, its lines and its backends
//! fail, and the proof that every payment had one end.
//!
//! The mesh runs as processes of the binary `reen`, on MongoDB, RabbitMQ and Redis of its own, every
//! kind of connection behind a proxy that can be cut and slowed down. Stripe's stand-in runs in this
//! process, so that the truth about payments survives everything. A seeded [`Plan`] says what goes
//! wrong when, and a seeded [`Story`] what each buyer does; once all is quiet, Stripe's books are held
//! against the databases.
//!
//! | file | holds |
//! | --- | --- |
//! | `plan`, `injector` | what goes wrong, and making it happen |
//! | `story`, `purchase`, `market`, `visitor` | what buyers do, and doing it |
//! | `mesh`, `process`, `backends`, `lines`, `settings`, `parts` | the mesh and what can fail in it |
//! | `quiet`, `checker`, `invariants` | when it is over, and whether it is right |
//! | `run`, `report` | all of it together |

mod backends;
mod checker;
mod injector;
mod invariants;
mod lines;
mod market;
mod mesh;
mod parts;
mod plan;
mod process;
mod purchase;
mod quiet;
mod report;
mod run;
mod settings;
mod story;
mod visitor;

pub use parts::{Backend, Line, Process};
pub use plan::{Fault, Plan, Planned};
pub use report::{Findings, Report, Struck};
pub use run::{Options, run};
pub use story::{Kind, Story};
