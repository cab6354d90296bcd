//! A user was made or changed at Clerk: so is the local one.

use std::time::{Duration, SystemTime};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use reen_error::Failure;
use reen_proto::auth::v1::SyncClerkUserRequest;
use serde::{Deserialize, Serialize};

use crate::domain::ClerkUser;
use crate::saga::{Call, Compensation, Definition, Follows, Step};

/// Who it is. Name and address are forgotten as soon as auth has them, so that they are kept in one place.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct State {
    clerk_id: String,
    name: String,
    email: String,
    /// Unix milliseconds.
    updated_at: i64,
}

impl From<ClerkUser> for State {
    fn from(user: ClerkUser) -> Self {
        Self {
            clerk_id: user.clerk_id,
            name: user.name,
            email: user.email,
            updated_at: user.updated_at,
        }
    }
}

fn sync_user<'call>(
    call: &'call Call<'call>,
    state: &'call mut State,
) -> BoxFuture<'call, Result<(), Failure>> {
    async move {
        let since_epoch = Duration::from_millis(u64::try_from(state.updated_at).unwrap_or(0));
        let user = SyncClerkUserRequest {
            operation: Some(call.operation.to_proto()),
            clerk_id: state.clerk_id.clone(),
            name: state.name.clone(),
            email: state.email.clone(),
            updated_at: Some((SystemTime::UNIX_EPOCH + since_epoch).into()),
        };
        call.parties.auth().sync_clerk_user(user).await?;
        state.name.clear();
        state.email.clear();
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
