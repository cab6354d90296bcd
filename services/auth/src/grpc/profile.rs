//! What users change of themselves, by requests that may have names.

use std::sync::Arc;

use reen_chassis::{Answered, RequestKey};
use reen_error::Failure;
use reen_proto::auth::v1 as proto;
use tonic::{Request, Response, Status};

use super::{Grpc, parse, signed_in, view};
use crate::domain::ProfileChange;

impl Grpc {
    pub(super) async fn change_profile(
        &self,
        request: Request<proto::UpdateProfileRequest>,
    ) -> Result<Response<proto::User>, Status> {
        let user_id = signed_in(&request)?;
        let asked = request.get_ref();
        let change = ProfileChange::parse(asked.name.as_deref(), asked.email.as_deref())
            .map_err(Failure::invalid)?;
        let users = Arc::clone(&self.users);
        let changing =
            move |claim| async move { users.change_profile(user_id, &change, &claim).await };
        let key = RequestKey::of(&request);
        Answered::respond(self.idempotency.once(key, view::own, changing).await)
    }

    pub(super) async fn change_own_role(
        &self,
        request: Request<proto::ChangeRoleRequest>,
    ) -> Result<Response<proto::User>, Status> {
        let user_id = signed_in(&request)?;
        let role = parse::wanted_role(request.get_ref().role)?;
        let users = Arc::clone(&self.users);
        let changing = move |claim| async move { users.change_role(user_id, role, &claim).await };
        let key = RequestKey::of(&request);
        Answered::respond(self.idempotency.once(key, view::own, changing).await)
    }
}
