//! A user leaves: the cart is emptied, the products are withdrawn, the person is forgotten. Orders and
//! ledger stay, because accounting needs them.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use reen_error::Failure;
use reen_proto::auth::v1::AnonymiseUserRequest;
use reen_proto::cart_items::v1::EmptyCartRequest;
use reen_proto::products::v1::WithdrawCatalogueRequest;
use serde::{Deserialize, Serialize};

use crate::saga::{Call, Compensation, Definition, Follows, Step};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct State {
    /// Empty when there is no account: then there is nothing to do.
    pub(crate) user_id: String,
    /// Clerk's, when it was deleted there.
    #[serde(default)]
    pub(crate) clerk_id: String,
}

impl State {
    fn has_account(&self) -> bool {
        !self.user_id.is_empty()
    }
}

pub(super) fn empty_cart<'call>(
    call: &'call Call<'call>,
    state: &'call mut State,
) -> BoxFuture<'call, Result<(), Failure>> {
    async move {
        if !state.has_account() {
            return Ok(());
        }
        let cart = EmptyCartRequest {
            operation: Some(call.operation.to_proto()),
            user_id: state.user_id.clone(),
        };
        call.parties.cart_items().empty_cart(cart).await?;
        Ok(())
    }
    .boxed()
}

pub(super) fn withdraw_catalogue<'call>(
    call: &'call Call<'call>,
    state: &'call mut State,
) -> BoxFuture<'call, Result<(), Failure>> {
    async move {
        if !state.has_account() {
            return Ok(());
        }
        let catalogue = WithdrawCatalogueRequest {
            operation: Some(call.operation.to_proto()),
            seller_id: state.user_id.clone(),
        };
        call.parties
            .products()
            .withdraw_catalogue(catalogue)
            .await?;
        Ok(())
    }
    .boxed()
}

pub(super) fn anonymise_user<'call>(
    call: &'call Call<'call>,
    state: &'call mut State,
) -> BoxFuture<'call, Result<(), Failure>> {
    async move {
        if !state.has_account() {
            return Ok(());
        }
        let user = AnonymiseUserRequest {
            operation: Some(call.operation.to_proto()),
            user_id: state.user_id.clone(),
        };
        call.parties.auth().anonymise_user(user).await?;
        Ok(())
    }
    .boxed()
}

pub(super) const FORWARD_ONLY: &str = "a farewell is only ever carried forward";

pub(crate) const ACCOUNT_DELETED: Definition<State> = Definition {
    kind: "account-deleted",
    version: 1,
    steps: &[
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
