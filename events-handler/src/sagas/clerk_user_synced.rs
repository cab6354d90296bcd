//! A user was made or changed at Clerk: so is the local one.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use reen_error::Failure;
use reen_proto::auth::v1::SyncClerkUserRequest;
use reen_proto::time::from_millis;
use serde::{Deserialize, Serialize};

use crate::domain::ClerkUser;
use crate::saga::{Call, Compensation, Definition, Follows, Step};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct State {
    /// Who it is, until auth knows: a person is kept in one place, where they can be forgotten.
    user: Option<ClerkUser>,
    /// The local user. Absent until then, and when the user was deleted before.
    user_id: Option<String>,
}

impl From<ClerkUser> for State {
    fn from(user: ClerkUser) -> Self {
        Self {
            user: Some(user),
            user_id: None,
        }
    }
}

fn sync_user<'call>(
    call: &'call Call<'call>,
    state: &'call mut State,
) -> BoxFuture<'call, Result<(), Failure>> {
    async move {
        let Some(user) = &state.user else {
            return Ok(());
        };
        let asked = SyncClerkUserRequest {
            operation: Some(call.operation.to_proto()),
            clerk_id: user.clerk_id.clone(),
            name: user.name.clone(),
            email: user.email.clone(),
            email_verified: user.is_email_verified,
            updated_at: Some(from_millis(user.updated_at)),
        };
        let synced = call.parties.auth().sync_clerk_user(asked).await?;
        state.user = None;
        state.user_id = Some(synced.into_inner().user_id).filter(|id| !id.is_empty());
        Ok(())
    }
    .boxed()
}

pub(crate) const CLERK_USER_SYNCED: Definition<State> = Definition {
    kind: "clerk-user-synced",
    version: 1,
    steps: &[Step {
        name: "sync-user",
        follows: Follows::Stored,
        action: sync_user,
        compensation: Compensation::NoneOwed("the next event of the user brings it up to date"),
        final_errors: &[],
    }],
    epilogue: &[],
};
