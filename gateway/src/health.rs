//! What the gateway cannot do without: the five services and the broker.

use std::sync::Arc;

use async_trait::async_trait;
use reen_chassis::admin::Dependency;
use reen_chassis::client::PeerChannel;
use reen_messaging::Broker;
use tonic_health::ServingStatus;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::peers::Peers;

/// Everything that readiness asks.
pub(crate) fn dependencies(peers: &Peers, broker: Broker) -> Vec<Arc<dyn Dependency>> {
    let mut dependencies: Vec<Arc<dyn Dependency>> = vec![Arc::new(broker)];
    for (name, channel) in peers.channels() {
        dependencies.push(Arc::new(Peer { name, channel }));
    }
    dependencies
}

struct Peer {
    name: &'static str,
    channel: PeerChannel,
}

#[async_trait]
impl Dependency for Peer {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn check(&self) -> Result<(), String> {
        let mut client = HealthClient::new(self.channel.clone());
        let whole_process = HealthCheckRequest {
            service: String::new(),
        };
        let answer = client.check(whole_process).await;
        let status = answer.map_err(|status| status.to_string())?.into_inner();
        if status.status == ServingStatus::Serving as i32 {
            return Ok(());
        }
        Err("it says that it is not serving".to_owned())
    }
}
