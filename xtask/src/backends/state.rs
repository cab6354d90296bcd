//! `.reen/backends.json`: what runs where. Tests and `cargo xtask up` read it.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::layout::Layout;

/// The three backends. All addresses are whole URLs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Backends {
    /// Without a database name.
    pub(crate) mongo: Option<String>,
    /// AMQP, with the virtual host.
    pub(crate) broker: Option<String>,
    /// HTTP API of RabbitMQ's management plugin, which makes virtual hosts.
    pub(crate) broker_api: Option<String>,
    pub(crate) redis: Option<String>,
    /// Processes that xtask started. A backend without a pid and a container is somebody else's.
    pub(crate) pids: BTreeMap<String, u32>,
    /// Names of the Docker containers that xtask started.
    pub(crate) containers: BTreeMap<String, String>,
    pub(crate) versions: BTreeMap<String, String>,
}

impl Backends {
    /// What was noted last; nothing when there is no file or an unreadable one.
    pub(crate) fn load(layout: &Layout) -> Self {
        fs::read(layout.backends_file())
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default()
    }

    /// Replaces the file as a whole: a reader never sees half of it.
    pub(crate) fn save(&self, layout: &Layout) -> Result<()> {
        let file = layout.backends_file();
        let draft = file.with_extension("json.new");
        fs::write(&draft, serde_json::to_vec_pretty(self)?)
            .and_then(|()| fs::rename(&draft, &file))
            .with_context(|| format!("cannot write {}", file.display()))
    }

    pub(crate) fn note_version(&mut self, name: &str, version: impl Into<String>) {
        self.versions.insert(name.to_owned(), version.into());
    }

    /// Forgets all that is known of one backend but its address, which is used again.
    pub(crate) fn forget_owner(&mut self, name: &str) {
        self.pids.remove(name);
        self.containers.remove(name);
        self.versions.remove(name);
    }
}

/// The port of a URL like `scheme://user:password@host:port/path?query`.
pub(crate) fn port_of(url: &str) -> Option<u16> {
    authority_of(url)?.rsplit_once(':')?.1.parse().ok()
}

/// The first `host:port` of a URL, without user and password.
pub(crate) fn authority_of(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let hosts = authority
        .rsplit_once('@')
        .map_or(authority, |(_, hosts)| hosts);
    hosts.split(',').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_found_in_every_kind_of_url() {
        assert_eq!(
            port_of("mongodb://127.0.0.1:27017/?replicaSet=rs0"),
            Some(27017)
        );
        assert_eq!(port_of("amqp://guest:guest@127.0.0.1:5672/%2f"), Some(5672));
        assert_eq!(port_of("redis://127.0.0.1:6379"), Some(6379));
        assert_eq!(port_of("mongodb://a:1,b:2/"), Some(1));
        assert_eq!(port_of("redis://localhost"), None);
    }

    #[test]
    fn the_state_survives_a_round_trip() {
        let root = tempfile::tempdir().unwrap();
        let layout = Layout::below(root.path());
        layout.private_folder("").unwrap();
        let mut state = Backends {
            redis: Some("redis://127.0.0.1:1".to_owned()),
            ..Backends::default()
        };
        state.pids.insert("redis".to_owned(), 7);
        state.save(&layout).unwrap();
        assert_eq!(Backends::load(&layout), state);
    }
}
