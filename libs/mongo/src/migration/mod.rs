//! The shape of a database, in numbered steps: what was done to it is written in it.
//!
//! A [`Schema`] is a list of [`Migration`]s. Each is applied once, by one process at a time, and is noted in
//! the database's collection `migrations`; the highest number there is the database's version.
//!
//! # Two versions side by side
//!
//! A change that an older program cannot live with is made in two: an *expanding* migration brings what the
//! newer program needs (an index, a field that is filled in) and leaves what the older one needs; it is
//! applied before the newer programs start. A *contracting* one takes away what nobody needs any more, and
//! is applied when the last older program has stopped. It notes from which version on programs can live
//! with it: this is how a program that has never heard of it knows that it must not work.

mod drift;
mod lease;
mod record;
mod run;
mod schema;
mod standby;
mod standing;
mod step;

pub use drift::{Deviation, Drift};
pub use record::Applied;
pub use run::Until;
pub use schema::{Migration, Schema};
pub use standing::{Holder, Misfit, Standing};
pub use step::{Indexes, Rewrite};

/// The collections that tell of the migrations, and belong to none of them.
const OWN_COLLECTIONS: [&str; 2] = [record::COLLECTION, lease::COLLECTION];

/// Collections that say something of this moment alone: a backup does without them, and a database that has
/// no others is empty.
pub const PASSING_COLLECTIONS: [&str; 2] = [lease::COLLECTION, crate::probe::COLLECTION];
