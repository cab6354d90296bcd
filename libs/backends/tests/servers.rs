//! Real servers are started, killed and started again.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails by panicking")]

use std::net::TcpStream;

use reen_backends::mongo::{Mongod, ReplicaSet};
use reen_backends::{private_folder, rabbitmq, redis};

/// The first `host:port` of a URL.
fn listens(url: &str) -> bool {
    let (_, rest) = url.split_once("://").unwrap();
    let authority = rest.split('/').next().unwrap();
    let (_, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    TcpStream::connect(host).is_ok()
}

#[test]
fn a_primary_that_steps_down_or_dies_is_followed_by_another() {
    let folder = tempfile::tempdir().unwrap();
    let mongod = Mongod::find(&private_folder()).unwrap();
    let mut set = ReplicaSet::start(&mongod, folder.path(), 3).unwrap();
    let first = set.step_down().unwrap();
    let second = set.wait_for_primary().unwrap();
    assert_ne!(first, second);
    set.kill(second);
    let third = set.wait_for_primary().unwrap();
    assert_ne!(second, third);
    set.restart(second).unwrap();
}

#[test]
fn a_set_of_one_is_its_own_primary_again_after_its_death() {
    let folder = tempfile::tempdir().unwrap();
    let mongod = Mongod::find(&private_folder()).unwrap();
    let mut set = ReplicaSet::start(&mongod, folder.path(), 1).unwrap();
    set.kill(0);
    assert_eq!(set.primary(), None);
    set.restart(0).unwrap();
    assert_eq!(set.wait_for_primary().unwrap(), 0);
}

#[test]
fn a_killed_rabbitmq_comes_back_on_its_address() {
    let folder = tempfile::tempdir().unwrap();
    let mut node = rabbitmq::Node::start(folder.path()).unwrap();
    assert!(listens(&node.url()) && listens(&node.api_url()));
    node.kill();
    assert!(!listens(&node.url()));
    node.restart().unwrap();
    assert!(listens(&node.url()) && listens(&node.api_url()));
}

#[test]
fn a_killed_redis_comes_back_on_its_address() {
    let folder = tempfile::tempdir().unwrap();
    let mut cache = redis::Cache::start(folder.path()).unwrap();
    cache.kill();
    assert!(!listens(&cache.url()));
    cache.restart().unwrap();
    assert!(listens(&cache.url()));
}
