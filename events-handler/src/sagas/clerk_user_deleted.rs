//! A user was deleted at Clerk: the account leaves as if its owner had asked for it here.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use reen_error::Failure;
use reen_proto::auth::v1::ForgetClerkUserRequest;

use super::account_deleted::{FORWARD_ONLY, State, anonymise_user, empty_cart, withdraw_catalogue};
use crate::saga::{Call, Compensation, Definition, Follows, Step};

/// Learns whose account it is. From now on no event of that user makes one, and this saga need not know
/// Clerk's id any more.
fn forget_clerk_user<'call>(
    call: &'call Call<'call>,
    state: &'call mut State,
) -> BoxFuture<'call, Result<(), Failure>> {
    async move {
        let user = ForgetClerkUserRequest {
            operation: Some(call.operation.to_proto()),
            clerk_id: state.clerk_id.clone(),
        };
        let forgotten = call.parties.auth().forget_clerk_user(user).await?;
        state.user_id = forgotten.into_inner().user_id.unwrap_or_default();
        state.clerk_id.clear();
        Ok(())
    }
    .boxed()
}

pub(crate) const CLERK_USER_DELETED: Definition<State> = Definition {
    kind: "clerk-user-deleted",
    version: 1,
    steps: &[
        Step {
            name: "forget-clerk-user",
            follows: Follows::Stored,
            action: forget_clerk_user,
            compensation: Compensation::NoneOwed(FORWARD_ONLY),
            final_errors: &[],
        },
        // What was learned is stored first: once the account is anonymised it is nobody's any more, and
        // a repeat would have nothing left to do.
        Step {
            name: "empty-cart",
            follows: Follows::Stored,
            action: empty_cart,
            compensation: Compensation::NoneOwed(FORWARD_ONLY),
            final_errors: &[],
        },
        Step {
            name: "withdraw-catalogue",
            follows: Follows::AtOnce,
            action: withdraw_catalogue,
            compensation: Compensation::NoneOwed(FORWARD_ONLY),
            final_errors: &[],
        },
        Step {
            name: "anonymise-user",
            follows: Follows::AtOnce,
            action: anonymise_user,
            compensation: Compensation::NoneOwed(FORWARD_ONLY),
            final_errors: &[],
        },
        // What was listed while the saga ran; nothing can be listed any more.
        Step {
            name: "withdraw-late-listings",
            follows: Follows::AtOnce,
            action: withdraw_catalogue,
            compensation: Compensation::NoneOwed(FORWARD_ONLY),
            final_errors: &[],
        },
    ],
    epilogue: &[],
};
