//! What Prometheus and Grafana are given to look at: it can be read, all of it is there when a mesh has
//! worked, what a mesh tells is no more than can be kept, and every alert tells what to do.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a helper of a test fails by panicking"
)]

mod exposition;
mod expressions;
mod promtool;
mod rules;
mod scrape;
