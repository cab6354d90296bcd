//! A stand-in for Stripe, as far as a shop's checkout uses it.
//!
//! It answers the same requests with the same objects, refuses with the same
//! error objects, replays idempotent requests, serves a hosted payment page
//! and sends signed webhooks until they are accepted. A client that is written
//! against Stripe needs no change but its base URL.
//!
//! ```no_run
//! use reen_sims::stripe::{Config, StripeSim};
//! use tokio_util::sync::CancellationToken;
//!
//! # async fn example() -> anyhow::Result<()> {
//! let sim = StripeSim::build(Config::in_process("whsec_test")).await?;
//! let base_url = sim.base_url();
//! let handle = sim.handle();
//! let shutdown = CancellationToken::new();
//! let server = tokio::spawn(sim.run(shutdown.clone()));
//! // The receiver's port is often known only after the stand-in was built.
//! handle.set_webhook_url("http://127.0.0.1:4000/webhooks/stripe")?;
//! // Clients use `base_url`, scripts `{base_url}/sim/...`.
//! # drop(base_url);
//! shutdown.cancel();
//! server.await??;
//! # Ok(())
//! # }
//! ```
//!
//! # For scripts and tests
//!
//! JSON, no key. A refusal is Stripe's error object.
//!
//! | call | effect |
//! | --- | --- |
//! | `POST /sim/sessions/{id}/pay` `{"card":"4242424242424242"}` | 200 `{status, paymentStatus, paymentIntent, eventId}`; 402 when the card is declined, 409 when the session is not open. With `"async":true` the money arrives later |
//! | `POST /sim/sessions/{id}/async-succeed`, `…/async-fail` | the end of a delayed payment: 200 `{eventId}` |
//! | `POST /sim/sessions/{id}/expire` | 200 `{status}` |
//! | `POST /sim/sessions/{id}/refund` `{"amount":500}` | gives money back as the dashboard does, without `amount` all that is left: 200 with Stripe's refund object, without metadata; 400 when there is not so much left |
//! | `GET /sim/events?session=` | `[{id, type, created, session, attempts, deliveries: [{at, status, error?}], delivered, abandoned}]`, oldest first |
//! | `POST /sim/events/{id}/resend?times=&concurrent=` | sends the event again, once or more: 200 `{deliveries}` when all are answered |
//! | `GET /sim/refunds` | Stripe's refund objects, each with its `session` |
//! | `POST /sim/faults` `{"path":"/v1/refunds"}` and `method`, `times`, `status`, `hang_ms`, `after_effect` | the next calls of the path wait, fail, or both, before or after their effect; a segment `*` stands for any. 204 |
//! | `DELETE /sim/faults` | no more faults |
//!
//! A fault is a failure on the way to or from Stripe: its answer is not kept
//! under the idempotency key, but what the endpoint answered behind it is.
//!
//! # Where things are
//!
//! | file | holds |
//! | --- | --- |
//! | `app` | start, routes, background tasks, stop |
//! | `gate`, `credentials`, `form`, `params` | what every `/v1` call passes: key, form, idempotency, faults |
//! | `sessions`, `refunds`, `intents` | the `/v1` endpoints |
//! | `create_session` | the rules for a new session |
//! | `control` | the `/sim` endpoints for scripts and tests |
//! | `page` | the hosted payment page |
//! | `service` | what happens: pay, expire, refund, and the events of each |
//! | `session`, `refund`, `cards`, `money` | the domain |
//! | `objects` | Stripe's JSON |
//! | `events`, `webhooks`, `delivery` | envelopes, signatures, retries |
//! | `state`, `tables`, `journal`, `shelf`, `idempotency`, `faults` | what is kept |

mod app;
mod cards;
mod config;
mod control;
mod create_session;
mod credentials;
mod delivery;
mod errors;
mod events;
mod faults;
mod form;
mod gate;
mod idempotency;
mod ids;
mod intents;
mod journal;
mod money;
mod objects;
mod page;
mod params;
mod refund;
mod refunds;
mod service;
mod session;
mod sessions;
mod shelf;
mod state;
mod tables;
mod webhooks;

pub use app::{Handle, StripeSim};
pub use config::{Config, RetrySchedule};

/// The API version whose objects and events the stand-in sends.
pub const API_VERSION: &str = "2026-09-30.endive";
