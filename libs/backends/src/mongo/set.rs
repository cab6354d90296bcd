//! A replica set for one test, whose members can be killed.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::json;

use super::member::{configuration, run_strictly, wait_for_primary};
use super::{Member, Mongod, is_primary, url};
use crate::{Server, ports};

/// Tests write little: several sets fit into one machine.
const CACHE: &str = "0.25";
/// A member that does not answer for so long is replaced as the primary; the server's own ten
/// seconds would be most of a test's time.
const ELECTION_TIMEOUT_MS: i32 = 2_000;
const HEARTBEAT_MS: i32 = 500;
/// How long a primary that stepped down may not be elected again.
const STEP_DOWN_SECONDS: i32 = 10;
const CATCH_UP_SECONDS: i32 = 5;

/// A set of its own; its members end when it is dropped.
pub struct ReplicaSet {
    members: Vec<Server>,
    ports: Vec<u16>,
}

impl ReplicaSet {
    /// Starts so many members with their data in `folder`, and waits for a primary.
    ///
    /// # Errors
    /// One does not start, or there is no primary within a minute.
    pub fn start(mongod: &Mongod, folder: &Path, size: usize) -> Result<Self> {
        let ports: Vec<u16> = (0..size).map(|_| ports::choose()).collect::<Result<_>>()?;
        let members = ports
            .iter()
            .map(|port| start_member(mongod, folder, *port))
            .collect::<Result<_>>()?;
        let set = Self { members, ports };
        let first = *set.ports.first().context("a set without members")?;
        let mut configuration = configuration(&set.ports, 1);
        configuration["settings"] = json!({
            "electionTimeoutMillis": ELECTION_TIMEOUT_MS,
            "heartbeatIntervalMillis": HEARTBEAT_MS,
        });
        run_strictly(first, &[("replSetInitiate", configuration)])?;
        wait_for_primary(&set.ports)?;
        Ok(set)
    }

    /// Its URL, without a database.
    #[must_use]
    pub fn url(&self) -> String {
        url(&self.ports)
    }

    /// How many members it has.
    #[must_use]
    pub fn size(&self) -> usize {
        self.members.len()
    }

    /// Which member takes writes, if one does.
    #[must_use]
    pub fn primary(&self) -> Option<usize> {
        self.ports.iter().position(|port| is_primary(*port))
    }

    /// Waits until a member takes writes, and answers which.
    ///
    /// # Errors
    /// None does within a minute.
    pub fn wait_for_primary(&self) -> Result<usize> {
        wait_for_primary(&self.ports)
    }

    /// Makes the primary hand over to another member, and answers who it was.
    ///
    /// # Errors
    /// There is no primary, or no other member is fit for it.
    pub fn step_down(&self) -> Result<usize> {
        let primary = self.wait_for_primary()?;
        let command = [
            ("replSetStepDown", json!(STEP_DOWN_SECONDS)),
            ("secondaryCatchUpPeriodSecs", json!(CATCH_UP_SECONDS)),
        ];
        run_strictly(self.ports[primary], &command)?;
        Ok(primary)
    }

    /// Ends a member with SIGKILL.
    ///
    /// # Panics
    /// There is no such member.
    pub fn kill(&mut self, member: usize) {
        self.members[member].kill();
    }

    /// Starts a member again; it has caught up some time later.
    ///
    /// # Errors
    /// It does not start.
    ///
    /// # Panics
    /// There is no such member.
    pub fn restart(&mut self, member: usize) -> Result<()> {
        self.members[member].restart()
    }
}

fn start_member(mongod: &Mongod, folder: &Path, port: u16) -> Result<Server> {
    let (mongod, data) = (mongod.clone(), folder.join(format!("mongo-{port}")));
    let log = folder.join(format!("mongo-{port}.log"));
    Server::start(move || {
        let member = Member {
            data: &data,
            log: &log,
            port,
            cache: CACHE,
        };
        let mut child = member.start(&mongod)?;
        member.wait_until_it_listens(&mut child)?;
        Ok(child)
    })
}
