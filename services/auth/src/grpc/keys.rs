use std::sync::Arc;

use reen_chassis::Caller;
use reen_proto::auth::v1 as proto;
use tonic::{Request, Response, Status};

use super::view::timestamp;
use super::{COMMAND_LINE, answer};
use crate::domain::{KeyState, KeyStatus};
use crate::service::SigningKeys;

pub(crate) struct KeysGrpc {
    keys: Arc<SigningKeys>,
}

impl KeysGrpc {
    pub(crate) fn new(keys: Arc<SigningKeys>) -> Self {
        Self { keys }
    }
}

#[tonic::async_trait]
impl proto::signing_keys_server::SigningKeys for KeysGrpc {
    async fn list_keys(
        &self,
        request: Request<proto::ListKeysRequest>,
    ) -> Result<Response<proto::KeyList>, Status> {
        Caller::of(&request)?.must_be(COMMAND_LINE)?;
        answer(self.keys.list().await.map(list))
    }

    async fn rotate_keys(
        &self,
        request: Request<proto::RotateKeysRequest>,
    ) -> Result<Response<proto::KeyList>, Status> {
        Caller::of(&request)?.must_be(COMMAND_LINE)?;
        answer(self.keys.rotate().await.map(list))
    }
}

fn list(keys: Vec<KeyStatus>) -> proto::KeyList {
    let keys = keys.into_iter().map(show).collect();
    proto::KeyList { keys }
}

fn show(key: KeyStatus) -> proto::SigningKey {
    let state = match key.state {
        KeyState::Next => proto::KeyState::Next,
        KeyState::Current => proto::KeyState::Current,
        KeyState::Retired => proto::KeyState::Retired,
    };
    proto::SigningKey {
        id: key.id,
        state: state.into(),
        signs_from: Some(timestamp(key.signs_from)),
        published_until: key.published_until.map(timestamp),
    }
}
