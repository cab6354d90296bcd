//! From the names of peers to the addresses of their replicas.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use futures::future::join_all;

use super::address::{Origin, Place, PlaceHost};

/// Looks up which replicas a name stands for at the moment.
#[async_trait]
pub trait Resolver: Send + Sync {
    /// The addresses of `host`, each with `port`.
    ///
    /// # Errors
    /// When the name is not known, or nobody can be asked.
    async fn look_up(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>>;
}

/// The resolver of the system.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dns;

#[async_trait]
impl Resolver for Dns {
    async fn look_up(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok(tokio::net::lookup_host((host, port)).await?.collect())
    }
}

/// Every replica that was found, and what stands before the path in calls to it.
pub(super) type Found = HashMap<SocketAddr, Origin>;

/// The places of a peer, and what each stood for when it was last looked up.
pub(super) struct Places {
    places: Vec<(Place, Vec<SocketAddr>)>,
    resolver: Arc<dyn Resolver>,
}

impl Places {
    pub(super) fn new(places: Vec<Place>, resolver: Arc<dyn Resolver>) -> Self {
        let places = places.into_iter().map(|place| {
            let known = place.address().into_iter().collect();
            (place, known)
        });
        Self {
            places: places.collect(),
            resolver,
        }
    }

    /// Whether the answer can ever change.
    pub(super) fn may_move(&self) -> bool {
        let mut places = self.places.iter();
        places.any(|(place, _)| place.address().is_none())
    }

    /// Looks every name up again. One that cannot be looked up, or that is said to stand for nothing,
    /// keeps what it stood for before: the replicas outlive the name server.
    pub(super) async fn look_up(&mut self) -> Result<Found, String> {
        let resolver = &self.resolver;
        let looked_up = self.places.iter_mut().map(|(place, known)| async move {
            let PlaceHost::Name(name) = &place.host else {
                return None;
            };
            match resolver.look_up(name, place.port).await {
                Ok(addresses) if addresses.is_empty() => Some(format!("{name} has no address")),
                Ok(addresses) => {
                    *known = addresses;
                    None
                }
                Err(error) => Some(format!("{name} cannot be looked up: {error}")),
            }
        });
        let problems: Vec<String> = join_all(looked_up).await.into_iter().flatten().collect();
        let found = self.found();
        if found.is_empty() {
            return Err(problems.join("; "));
        }
        for problem in problems {
            tracing::debug!(problem, "the replicas known before are kept");
        }
        Ok(found)
    }

    fn found(&self) -> Found {
        let each = self.places.iter();
        each.flat_map(|(place, known)| {
            let origin = &place.origin;
            known.iter().map(move |address| (*address, origin.clone()))
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::net::SocketAddr;
    use std::sync::{Arc, Mutex};

    use async_trait::async_trait;

    use super::{Place, Places, Resolver};

    /// Answers what was put into it last.
    #[derive(Default)]
    struct Script(Mutex<Option<Vec<SocketAddr>>>);

    #[async_trait]
    impl Resolver for Script {
        async fn look_up(&self, _host: &str, _port: u16) -> io::Result<Vec<SocketAddr>> {
            let answer = self.0.lock().unwrap().clone();
            answer.ok_or_else(|| io::Error::other("nobody answers"))
        }
    }

    fn places(urls: &[&str], script: &Arc<Script>) -> Places {
        let place = |url: &&str| Place::read(&url.parse().unwrap(), false).unwrap();
        Places::new(urls.iter().map(place).collect(), script.clone())
    }

    async fn found(places: &mut Places) -> Vec<String> {
        let found = places.look_up().await.unwrap_or_default();
        let mut addresses: Vec<_> = found.keys().map(ToString::to_string).collect();
        addresses.sort();
        addresses
    }

    #[tokio::test]
    async fn a_name_of_several_addresses_is_several_replicas() {
        let script = Arc::new(Script::default());
        let mut places = places(&["http://peer:7", "http://10.0.0.9:7"], &script);
        assert!(places.may_move());
        let answer = |addresses: &[&str]| {
            let addresses = addresses.iter().map(|address| address.parse().unwrap());
            *script.0.lock().unwrap() = Some(addresses.collect());
        };
        answer(&["10.0.0.1:7", "10.0.0.2:7"]);
        let three = ["10.0.0.1:7", "10.0.0.2:7", "10.0.0.9:7"];
        assert_eq!(found(&mut places).await, three);
        answer(&["10.0.0.2:7", "10.0.0.3:7"]);
        let moved = ["10.0.0.2:7", "10.0.0.3:7", "10.0.0.9:7"];
        assert_eq!(found(&mut places).await, moved);
    }

    #[tokio::test]
    async fn a_failing_lookup_keeps_what_was_found_before() {
        let script = Arc::new(Script::default());
        let mut places = places(&["http://peer:7"], &script);
        let problem = places.look_up().await.unwrap_err();
        assert!(problem.contains("peer cannot be looked up"), "{problem}");
        *script.0.lock().unwrap() = Some(vec!["10.0.0.1:7".parse().unwrap()]);
        assert_eq!(found(&mut places).await, ["10.0.0.1:7"]);
        for answer in [None, Some(Vec::new())] {
            *script.0.lock().unwrap() = answer;
            assert_eq!(found(&mut places).await, ["10.0.0.1:7"]);
        }
    }

    #[tokio::test]
    async fn addresses_are_never_looked_up() {
        let script = Arc::new(Script::default());
        let mut places = places(&["http://10.0.0.9:7", "http://10.0.0.9:7"], &script);
        assert!(!places.may_move());
        assert_eq!(found(&mut places).await, ["10.0.0.9:7"]);
    }
}
