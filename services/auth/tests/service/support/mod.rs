//! The service under test, and words for what its callers do.

mod app;
mod books;
mod letters;
mod service;

use bson::oid::ObjectId;
use reen_error::{Code, Failure, Handling};
use reen_proto::auth::v1::{
    ChargeFeeRequest, FeeKind, PostRefundRequest, PostSaleRequest, ReverseFeeRequest,
    ReverseSaleRequest, Role, SellerShare,
};
use reen_proto::operation::v1::Operation;
use reen_testkit::{PATIENCE, own_operation, refusal, saga_operation};
use tokio::time::Instant;
use tonic::{Response, Status};

pub(crate) use app::{app_code, wrong_code};
pub(crate) use books::check_books;
pub(crate) use letters::Letters;
pub(crate) use service::{Auth, Fresh, PASSWORD, STARTING_CENTS, address_of};

/// What undoes the operation `id`, in the same saga.
pub(crate) fn undoing(id: &str) -> Option<Operation> {
    saga_operation(format!("{id}/undo"), id, 1)
}

/// An id that nobody has.
pub(crate) fn nobody() -> String {
    ObjectId::new().to_hex()
}

/// The failing fields and their words, in order.
pub(crate) fn fields<T: std::fmt::Debug>(answer: Result<T, Status>) -> Vec<(String, String)> {
    let failure = refusal(answer);
    assert_eq!(failure.code, Code::ValidationFailed);
    let fields = failure.fields.into_iter();
    fields.map(|each| (each.field, each.code)).collect()
}

/// Repeats a call, as a saga does, until it is answered or finally refused.
pub(crate) async fn persistently<T, F>(mut call: F) -> Result<T, Failure>
where
    F: AsyncFnMut() -> Result<Response<T>, Status>,
{
    let give_up = Instant::now() + PATIENCE;
    loop {
        match call().await.map_err(Failure::from) {
            Ok(answer) => return Ok(answer.into_inner()),
            Err(failure) if failure.code.handling() == Handling::Final => return Err(failure),
            Err(failure) => assert!(Instant::now() < give_up, "still {failure:?}"),
        }
    }
}

pub(crate) fn fee(id: &str, user_id: &str, amount_cents: i64) -> ChargeFeeRequest {
    ChargeFeeRequest {
        operation: own_operation(id),
        user_id: user_id.to_owned(),
        kind: FeeKind::Listing.into(),
        amount_cents,
        required_role: Role::Unspecified.into(),
    }
}

pub(crate) fn fee_reversal(fee_id: &str) -> ReverseFeeRequest {
    ReverseFeeRequest {
        operation: undoing(fee_id),
        fee_operation_id: fee_id.to_owned(),
    }
}

/// A sale whose total is what the shares sum to.
pub(crate) fn sale(id: &str, buyer_id: &str, shares: &[(&str, i64)]) -> PostSaleRequest {
    let share = |&(seller_id, amount_cents): &(&str, i64)| SellerShare {
        seller_id: seller_id.to_owned(),
        amount_cents,
    };
    PostSaleRequest {
        operation: own_operation(id),
        buyer_id: buyer_id.to_owned(),
        total_cents: shares.iter().map(|(_, cents)| cents).sum(),
        shares: shares.iter().map(share).collect(),
    }
}

/// What gives back as much as the shares sum to.
pub(crate) fn refund(id: &str, buyer_id: &str, shares: &[(&str, i64)]) -> PostRefundRequest {
    let sale = sale(id, buyer_id, shares);
    PostRefundRequest {
        operation: sale.operation,
        buyer_id: sale.buyer_id,
        total_cents: sale.total_cents,
        shares: sale.shares,
    }
}

pub(crate) fn sale_reversal(sale_id: &str) -> ReverseSaleRequest {
    ReverseSaleRequest {
        operation: undoing(sale_id),
        sale_operation_id: sale_id.to_owned(),
    }
}
