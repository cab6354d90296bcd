//! What the gateway asks: the five services and the broker. It needs none of them to be ready: all
//! gateways would go out of rotation for one service that is away, and whatever can be answered without it
//! would not be.

use std::sync::Arc;

use reen_chassis::admin::{Dependency, Peer, Wanted};
use reen_messaging::Broker;

use crate::peers::Peers;

/// Everything that readiness reports.
pub(crate) fn dependencies(peers: &Peers, broker: Broker) -> Vec<Arc<dyn Dependency>> {
    let mut dependencies: Vec<Arc<dyn Dependency>> = vec![Arc::new(Wanted(broker))];
    for (name, channel) in peers.channels() {
        dependencies.push(Arc::new(Peer::new(name, channel)));
    }
    dependencies
}
