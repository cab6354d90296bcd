//! What the gateway publishes. An `Ok` means that the broker has stored it.

use std::time::SystemTime;

use axum::body::Bytes;
use reen_messaging::{Broker, Message, Publisher, Queue};
use reen_proto::events::QUEUE;
use reen_proto::events::v1::{AccountDeletionRequested, WebhookReceived};

use crate::error::Error;

/// The queue of events-handler.
pub(crate) struct Events {
    publisher: Publisher,
}

impl Events {
    /// Makes the queue when it is not there yet.
    pub(crate) async fn open(broker: &Broker) -> Result<Self, reen_messaging::Error> {
        let publisher = broker.publisher(Queue { name: QUEUE }).await?;
        Ok(Self { publisher })
    }

    /// A webhook whose signature was verified.
    pub(crate) async fn webhook(
        &self,
        provider: &str,
        event_id: String,
        event_type: String,
        body: Bytes,
    ) -> Result<(), Error> {
        let received = WebhookReceived {
            provider: provider.to_owned(),
            event_id,
            event_type,
            body: body.into(),
            received_at: Some(SystemTime::now().into()),
        };
        self.publisher.publish(&Message::new(&received)).await?;
        Ok(())
    }

    /// A user asked to be forgotten.
    pub(crate) async fn account_deletion(&self, user_id: &str) -> Result<(), Error> {
        let requested = AccountDeletionRequested {
            user_id: user_id.to_owned(),
            requested_at: Some(SystemTime::now().into()),
        };
        self.publisher.publish(&Message::new(&requested)).await?;
        Ok(())
    }
}
