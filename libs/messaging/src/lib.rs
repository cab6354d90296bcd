//! RabbitMQ as this mesh uses it, and beside it, in the database of whoever uses them, an inbox and an
//! outbox.
//!
//! # What is guaranteed
//!
//! - **Confirmed is stored.** [`Publisher::publish`] answers `Ok` after a quorum queue has the message
//!   on disk, and within about four seconds otherwise. After an error the message may be stored all
//!   the same.
//! - **Acknowledged is done.** A consumer acknowledges a message after its [`Verdict`] is stored: the
//!   effect by the handler, a delay or a burial by the broker. Whatever ends a consumer before brings
//!   its messages back, marked as [redelivered](Delivery::redelivered). So every message is worked on
//!   at least once, and handlers tell repeats.
//! - **Poison does not stay.** A message that was given out twenty times more, because its handler
//!   panicked or its connection was lost, is buried with the dead letters, where [`DeadLetters`] shows
//!   it. Being put off does not count, and a message that cannot be put off stays in work until it can.
//! - **It comes back by itself.** A broker that restarts, a connection that is cut, closed or silent
//!   (noticed after two missed heartbeats, of ten seconds each), a handshake that hangs, a channel
//!   that is closed, a queue that is deleted: connections, channels, queues and consumers are made
//!   anew, for ever. Meanwhile the [`Broker`] is not ready.
//! - **An alarm of the broker stops publishers only.** Publishing fails, at once when the broker has
//!   said so, and the [`Broker`] is not ready; consuming has a connection of its own and goes on.
//! - **An event counts once.** The [`Inbox`] takes it in together with its effect.
//! - **Committed is sent.** The [`Outbox`] sends a message if, and only if, its transaction commits; at
//!   least once, always under the same id, oldest first. The order is of sending: a message that
//!   failed, and several relays, may change it.
//! - **A dead letter stays until it is settled.** Reading takes nothing out; a replay takes a letter
//!   out after the broker has stored it for work; a crash in between leaves it where it is.
//! - **News are told once or not at all.** What an [`Announcer`] tells is stored nowhere: whoever
//!   [listens](Broker::listen) hears it, and is told when something may have been missed.

mod broadcast;
mod broker;
mod connection;
mod consumer;
mod dead_letters;
mod depth;
mod error;
mod inbox;
mod message;
mod outbox;
mod publisher;
mod queue;
mod traced;

pub use broadcast::{Announcer, Heard, Hearing, Topic};
pub use broker::Broker;
pub use consumer::{Handler, Verdict, consume};
pub use dead_letters::{DeadLetter, DeadLetters, Which};
pub use error::Error;
pub use inbox::{Event, Inbox, Noted};
pub use message::{Delivery, Message};
pub use outbox::Outbox;
pub use publisher::Publisher;
pub use queue::{DELAYS, Queue};
