//! The replicas of a peer, and which of them are given calls.

use std::collections::HashMap;
use std::fmt::Display;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::budget::Budget;
use super::choice::choose;
use super::measures::Measures;
use super::replica::{Line, Replica};
use super::resolve::Found;

/// The replicas of one peer, as one process knows them.
pub(super) struct Pool {
    peer: &'static str,
    state: Mutex<State>,
    open: watch::Sender<Open>,
    /// Somebody waits for a replica that is not known yet.
    pub(super) look_again: Notify,
    pub(super) budget: Budget,
    pub(super) measures: Measures,
}

/// What calls see of it.
#[derive(Default)]
struct Open {
    lines: Box<[Arc<Line>]>,
    /// Whether there may be a line in a moment.
    hopeful: bool,
}

struct State {
    members: HashMap<SocketAddr, Member>,
    looking_up: bool,
    /// Why the last replica that was tried could not be called.
    problem: String,
}

/// How it stands with one replica.
struct Member {
    replica: Arc<Replica>,
    line: Option<Arc<Line>>,
    connecting: bool,
    serves: bool,
    left_out: bool,
    in_trouble: bool,
}

impl Member {
    fn new(replica: Arc<Replica>) -> Self {
        Self {
            replica,
            line: None,
            connecting: true,
            serves: true,
            left_out: false,
            in_trouble: false,
        }
    }

    fn usable_line(&self) -> Option<&Arc<Line>> {
        let usable = self.serves && !self.left_out;
        self.line.as_ref().filter(|_| usable)
    }
}

impl Pool {
    pub(super) fn new(from: &'static str, peer: &'static str) -> Self {
        let state = State {
            members: HashMap::new(),
            looking_up: true,
            problem: String::new(),
        };
        let open = Open {
            hopeful: true,
            ..Open::default()
        };
        Self {
            peer,
            state: Mutex::new(state),
            open: watch::Sender::new(open),
            look_again: Notify::new(),
            budget: Budget::default(),
            measures: Measures::new(from, peer),
        }
    }

    /// A line to one of the replicas: of two the less busy, and another than `avoid` where there is one.
    /// While there is none, what cannot be reached is tried at once.
    pub(super) async fn line(&self, avoid: Option<SocketAddr>) -> Result<Arc<Line>, Status> {
        if let Some(line) = self.open.borrow().choose(avoid) {
            return Ok(line);
        }
        self.hurry();
        let mut open = self.open.subscribe();
        let chosen = open
            .wait_for(|open| !open.lines.is_empty() || !open.hopeful)
            .await
            .map(|open| open.choose(avoid));
        chosen.ok().flatten().ok_or_else(|| self.away())
    }

    /// Whether there is somebody else to ask.
    pub(super) fn has_other(&self, than: SocketAddr) -> bool {
        let open = self.open.borrow();
        let mut lines = open.lines.iter();
        lines.any(|line| line.replica.address != than)
    }

    fn away(&self) -> Status {
        let problem = self.change(|state| state.problem.clone());
        Status::unavailable(format!("{} cannot be reached: {problem}", self.peer))
    }

    fn hurry(&self) {
        self.change(|state| {
            if state.members.is_empty() && !state.looking_up {
                state.looking_up = true;
                self.look_again.notify_one();
            }
            for member in state.members.values_mut() {
                if member.line.is_none() && !member.connecting {
                    member.connecting = true;
                    member.replica.wanted.notify_one();
                }
            }
        });
    }

    /// The peer has these replicas now. Answers those that are new; the others that were known are gone.
    pub(super) fn replace(&self, mut found: Found, stop: &CancellationToken) -> Vec<Arc<Replica>> {
        self.change(|state| {
            state.looking_up = false;
            state.members.retain(|address, member| {
                let stays = found.remove(address).is_some();
                if !stays {
                    member.replica.gone.cancel();
                }
                stays
            });
            let new: Vec<_> = found
                .into_iter()
                .map(|(address, origin)| Replica::new(address, origin, stop.child_token()))
                .map(Arc::new)
                .collect();
            for replica in &new {
                let member = Member::new(replica.clone());
                state.members.insert(replica.address, member);
            }
            new
        })
    }

    /// Nobody could tell where the peer is.
    pub(super) fn not_found(&self, problem: String) {
        tracing::warn!(peer = self.peer, problem, "a peer has no known replica");
        self.change(|state| {
            state.looking_up = false;
            state.problem = problem;
        });
    }

    /// An attempt to connect begins.
    pub(super) fn connecting(&self, replica: &Replica) {
        self.change_member(replica, |member| member.connecting = true);
    }

    /// A connection was made.
    pub(super) fn connected(&self, line: &Arc<Line>, serves: bool) {
        let (peer, address) = (self.peer, line.replica.address);
        self.change_member(&line.replica, |member| {
            member.connecting = false;
            member.serves = serves;
            member.line = Some(line.clone());
            if std::mem::take(&mut member.in_trouble) {
                tracing::info!(peer, %address, "a replica can be called again");
            }
        });
    }

    /// There is no connection, and nobody tries to make one at the moment.
    pub(super) fn unreachable(&self, replica: &Replica, problem: &dyn Display) {
        let (peer, address) = (self.peer, replica.address);
        let problem = problem.to_string();
        self.change(|state| {
            let Some(member) = state.members.get_mut(&address) else {
                return;
            };
            member.connecting = false;
            member.line = None;
            if !std::mem::replace(&mut member.in_trouble, true) {
                tracing::warn!(peer, %address, problem, "a replica cannot be called");
            }
            state.problem = problem;
        });
    }

    /// What the replica says about itself.
    pub(super) fn serves(&self, replica: &Replica, serves: bool) {
        self.change_member(replica, |member| member.serves = serves);
    }

    /// The peer takes no calls on this line any more: another is made at once.
    pub(super) fn lost(&self, lost: &Arc<Line>) {
        self.change_member(&lost.replica, |member| {
            // Several calls may tell so, the last of them when there is another line already.
            let current = member.line.as_ref();
            if current.is_some_and(|line| Arc::ptr_eq(line, lost)) {
                member.line = None;
                member.connecting = true;
                lost.lost.notify_one();
            }
        });
    }

    /// A replica did not answer, or cannot do its work. One that fails again and again is left out for a
    /// while, unless nobody else is there to be asked.
    pub(super) fn failed(self: &Arc<Self>, replica: &Arc<Replica>) {
        let Some(time) = replica.failed() else {
            return;
        };
        if !self.leave_out(replica) {
            return;
        }
        let (pool, replica) = (self.clone(), replica.clone());
        tokio::spawn(async move {
            let back = tokio::time::sleep(time);
            replica.gone.run_until_cancelled(back).await;
            pool.change_member(&replica, |member| member.left_out = false);
        });
    }

    fn leave_out(&self, replica: &Replica) -> bool {
        let left_out = self.change(|state| {
            let others = state.members.values().filter(|other| {
                other.replica.address != replica.address && other.usable_line().is_some()
            });
            let somebody_is_left = others.count() > 0;
            match state.members.get_mut(&replica.address) {
                Some(member) if somebody_is_left => !std::mem::replace(&mut member.left_out, true),
                _ => false,
            }
        });
        if left_out {
            self.measures.ejections.increment(1);
            let (peer, address) = (self.peer, replica.address);
            tracing::warn!(peer, %address, "a replica fails too often and is left out for a while");
        }
        left_out
    }

    fn change_member(&self, replica: &Replica, change: impl FnOnce(&mut Member)) {
        self.change(|state| {
            if let Some(member) = state.members.get_mut(&replica.address) {
                change(member);
            }
        });
    }

    /// Every change goes through here, and is seen by calls at once.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = change(&mut state);
        let open = Open::of(&state);
        self.measures
            .replicas(state.members.len(), open.lines.len());
        self.open.send_replace(open);
        answer
    }
}

impl Open {
    /// Those that serve and behave; if there is none, all that have a connection.
    fn of(state: &State) -> Self {
        let members = || state.members.values();
        let mut lines: Box<[_]> = members().filter_map(Member::usable_line).cloned().collect();
        if lines.is_empty() {
            lines = members().filter_map(|member| member.line.clone()).collect();
        }
        let hopeful = state.looking_up || members().any(|member| member.connecting);
        Self { lines, hopeful }
    }

    fn choose(&self, avoid: Option<SocketAddr>) -> Option<Arc<Line>> {
        let avoid = avoid.and_then(|address| {
            let mut lines = self.lines.iter();
            lines.position(|line| line.replica.address == address)
        });
        let load = |place: usize| self.lines[place].load();
        let chosen = choose(self.lines.len(), avoid, load, &mut rand::rng())?;
        Some(self.lines[chosen].clone())
    }
}
