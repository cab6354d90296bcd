//! A session can no longer be paid: give the stock back.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use reen_error::{Code, Failure};
use reen_proto::checkout::v1::ExpireCheckoutRequest;
use serde::{Deserialize, Serialize};

use crate::saga::{Call, Compensation, Definition, Follows, Step};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) checkout_id: String,
}

fn expire_checkout<'call>(
    call: &'call Call<'call>,
    state: &'call mut State,
) -> BoxFuture<'call, Result<(), Failure>> {
    async move {
        let expiry = ExpireCheckoutRequest {
            operation: Some(call.operation.to_proto()),
            checkout_id: state.checkout_id.clone(),
        };
        let expired = call.parties.checkout().expire_checkout(expiry).await;
        match expired.map_err(Failure::from) {
            // Another mesh's with the same account at Stripe: nothing is held for it here.
            Err(unknown) if unknown.code == Code::NotFound => Ok(()),
            expired => expired.map(drop),
        }
    }
    .boxed()
}

pub(crate) const CHECKOUT_EXPIRED: Definition<State> = Definition {
    kind: "checkout-expired",
    version: 1,
    steps: &[Step {
        name: "expire-checkout",
        follows: Follows::Stored,
        action: expire_checkout,
        compensation: Compensation::NoneOwed("a payment that comes late has its own saga"),
        final_errors: &[],
    }],
    epilogue: &[],
};
