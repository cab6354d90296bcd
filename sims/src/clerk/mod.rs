//! A stand-in for Clerk: its users and the keys of its session tokens as its Backend API shows them, a
//! sign-in page that hands tokens out, and signed webhooks that tell of users, repeated until they are
//! accepted. [`ClerkSim`] is all of it; [`Webhooks`] alone send what a test makes up.
//!
//! ```no_run
//! use reen_sims::clerk::{Event, User, Webhooks};
//!
//! # async fn example() -> anyhow::Result<()> {
//! let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
//! let webhooks = Webhooks::new(secret, "http://127.0.0.1:8000/api/v1/webhooks/clerk")?;
//! let ada = User::new("Ada", "Lovelace", "ada@reen.example");
//! webhooks.deliver(&Event::created(&ada)).await?;
//! webhooks.deliver(&Event::deleted(&ada)).await?;
//! # Ok(())
//! # }
//! ```

mod app;
mod config;
mod event;
mod page;
mod routes;
mod tokens;
mod user;
mod webhooks;

pub use app::{ClerkSim, Handle};
pub use config::Config;
pub use event::Event;
pub use user::User;
pub use webhooks::Webhooks;

use rand::Rng as _;
use rand::distr::Alphanumeric;

/// How many letters and digits Clerk and Svix put behind a prefix.
const ID_LENGTH: usize = 27;

/// An id as Clerk and Svix make them: a prefix that says what it is, then letters and digits.
fn id(prefix: &str) -> String {
    let letters = rand::rng().sample_iter(Alphanumeric).take(ID_LENGTH);
    let letters: String = letters.map(char::from).collect();
    format!("{prefix}_{letters}")
}
