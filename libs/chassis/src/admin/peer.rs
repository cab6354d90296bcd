use async_trait::async_trait;
use tonic_health::ServingStatus;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use super::Dependency;
use crate::client::PeerChannel;

/// A peer as a dependency: reported, but never what takes a process out of rotation. All who ask it would
/// go with it, whatever else they can do.
#[derive(Clone)]
pub struct Peer {
    name: &'static str,
    channel: PeerChannel,
}

impl Peer {
    /// The peer `name` at the other end of `channel`.
    #[must_use]
    pub fn new(name: &'static str, channel: PeerChannel) -> Self {
        Self { name, channel }
    }
}

#[async_trait]
impl Dependency for Peer {
    fn name(&self) -> &'static str {
        self.name
    }

    fn is_needed(&self) -> bool {
        false
    }

    async fn check(&self) -> Result<(), String> {
        let mut client = HealthClient::new(self.channel.clone());
        let whole_process = HealthCheckRequest {
            service: String::new(),
        };
        let answer = client.check(whole_process).await;
        let status = answer.map_err(|status| {
            let said = status.message();
            format!("no replica answers ({said}): look at its log and at the setting of its URL")
        })?;
        if status.into_inner().status == ServingStatus::Serving as i32 {
            return Ok(());
        }
        Err("the replica that was asked is stopping: there should be another one".to_owned())
    }
}
