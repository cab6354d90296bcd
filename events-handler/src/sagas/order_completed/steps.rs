//! From the payment to the order: each action with its undo beside it.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use reen_chassis::Operation;
use reen_error::{Code, Failure};
use reen_proto::auth::v1::{
    ForgetPurchaseRequest, PostSaleRequest, RecordPurchaseRequest, ReverseSaleRequest, SellerShare,
};
use reen_proto::cart_items::v1::{BoughtLine, PutBackRequest, TakeOutBoughtRequest};
use reen_proto::checkout::v1::CompleteCheckoutRequest;
use reen_proto::orders::v1::{CreateOrderRequest, NewLine, WithdrawOrderRequest};
use reen_proto::products::v1::{
    CommitHoldRequest, ReleaseHoldRequest, ReserveStockRequest, ReturnStockRequest, StockLine,
};

use super::State;
use crate::saga::Call;

/// The stock that a late payment reserves anew is committed in the same step.
const SECOND_HOLD_LASTS: Duration = Duration::from_secs(3600);

type Outcome<'call> = BoxFuture<'call, Result<(), Failure>>;

/// Held becomes sold. When the hold is gone because the payment came late, the stock is reserved anew;
/// when there is not enough left, the saga turns around.
pub(super) fn commit_hold<'call>(
    call: &'call Call<'call>,
    state: &'call mut State,
) -> Outcome<'call> {
    async move {
        match commit(call, state.checkout_id.clone()).await {
            Err(gone) if matches!(gone.code, Code::HoldGone | Code::NotFound) => {}
            settled => return settled,
        }
        tracing::info!(
            checkout = state.checkout_id,
            "the hold is gone; reserving anew"
        );
        let expires_at = SystemTime::now() + SECOND_HOLD_LASTS;
        let reservation = ReserveStockRequest {
            operation: Some(suffixed(&call.operation, "reserve").to_proto()),
            hold_id: second_hold(state),
            lines: stock_lines(state),
            expires_at: Some(expires_at.into()),
        };
        call.parties.products().reserve_stock(reservation).await?;
        commit(call, second_hold(state)).await
    }
    .boxed()
}

async fn commit(call: &Call<'_>, hold_id: String) -> Result<(), Failure> {
    let operation = Some(suffixed(&call.operation, &hold_id).to_proto());
    call.parties
        .products()
        .commit_hold(CommitHoldRequest { operation, hold_id })
        .await?;
    Ok(())
}

/// Both holds are given back, whichever was made: one that never was will never be.
pub(super) fn give_stock_back<'call>(
    call: &'call Call<'call>,
    state: &'call mut State,
) -> Outcome<'call> {
    async move {
        give_back(call, second_hold(state)).await?;
        give_back(call, state.checkout_id.clone()).await
    }
    .boxed()
}

async fn give_back(call: &Call<'_>, hold_id: String) -> Result<(), Failure> {
    let operation = Some(suffixed(&call.operation, &hold_id).to_proto());
    let release = ReleaseHoldRequest {
        operation,
        hold_id: hold_id.clone(),
    };
    match call
        .parties
        .products()
        .release_hold(release)
        .await
        .map_err(Failure::from)
    {
        Err(sold) if sold.code == Code::HoldCommitted => {}
        released => return released.map(|_| ()),
    }
    let operation = Some(suffixed(&call.operation, &format!("{hold_id}/return")).to_proto());
    call.parties
        .products()
        .return_stock(ReturnStockRequest { operation, hold_id })
        .await?;
    Ok(())
}

/// The buyer pays, each seller gains.
pub(super) fn post_sale<'call>(
    call: &'call Call<'call>,
    state: &'call mut State,
) -> Outcome<'call> {
    async move {
        let sale = PostSaleRequest {
            operation: Some(call.operation.to_proto()),
            buyer_id: state.buyer_id.clone(),
            total_cents: state.amount_cents,
            shares: shares(state)?,
        };
        call.parties.auth().post_sale(sale).await?;
        Ok(())
    }
    .boxed()
}

pub(super) fn reverse_sale<'call>(
    call: &'call Call<'call>,
    _state: &'call mut State,
) -> Outcome<'call> {
    async move {
        let reversal = ReverseSaleRequest {
            operation: Some(call.operation.to_proto()),
            sale_operation_id: call.undone_operation.clone(),
        };
        call.parties.auth().reverse_sale(reversal).await?;
        Ok(())
    }
    .boxed()
}

pub(super) fn create_order<'call>(
    call: &'call Call<'call>,
    state: &'call mut State,
) -> Outcome<'call> {
    async move {
        let order = CreateOrderRequest {
            operation: Some(call.operation.to_proto()),
            checkout_id: state.checkout_id.clone(),
            user_id: state.buyer_id.clone(),
            total_cents: state.amount_cents,
            lines: order_lines(state),
        };
        let order = call
            .parties
            .orders()
            .create_order(order)
            .await?
            .into_inner();
        state.order_id = Some(order.id);
        Ok(())
    }
    .boxed()
}

pub(super) fn withdraw_order<'call>(
    call: &'call Call<'call>,
    state: &'call mut State,
) -> Outcome<'call> {
    async move {
        let withdrawal = WithdrawOrderRequest {
            operation: Some(call.operation.to_proto()),
            checkout_id: state.checkout_id.clone(),
        };
        call.parties.orders().withdraw_order(withdrawal).await?;
        state.order_id = None;
        Ok(())
    }
    .boxed()
}

pub(super) fn take_out_of_cart<'call>(
    call: &'call Call<'call>,
    state: &'call mut State,
) -> Outcome<'call> {
    async move {
        let bought = |line: &super::Line| BoughtLine {
            product_id: line.product_id.clone(),
            quantity: line.quantity,
        };
        let taking = TakeOutBoughtRequest {
            operation: Some(call.operation.to_proto()),
            user_id: state.buyer_id.clone(),
            lines: state.lines.iter().map(bought).collect(),
        };
        call.parties.cart_items().take_out_bought(taking).await?;
        Ok(())
    }
    .boxed()
}

pub(super) fn put_back_in_cart<'call>(
    call: &'call Call<'call>,
    _state: &'call mut State,
) -> Outcome<'call> {
    async move {
        let putting_back = PutBackRequest {
            operation: Some(call.operation.to_proto()),
            take_operation_id: call.undone_operation.clone(),
        };
        call.parties.cart_items().put_back(putting_back).await?;
        Ok(())
    }
    .boxed()
}

pub(super) fn record_purchase<'call>(
    call: &'call Call<'call>,
    state: &'call mut State,
) -> Outcome<'call> {
    async move {
        let purchase = RecordPurchaseRequest {
            operation: Some(call.operation.to_proto()),
            buyer_id: state.buyer_id.clone(),
            seller_ids: sellers(state),
        };
        call.parties.auth().record_purchase(purchase).await?;
        Ok(())
    }
    .boxed()
}

pub(super) fn forget_purchase<'call>(
    call: &'call Call<'call>,
    _state: &'call mut State,
) -> Outcome<'call> {
    async move {
        let forgetting = ForgetPurchaseRequest {
            operation: Some(call.operation.to_proto()),
            purchase_operation_id: call.undone_operation.clone(),
        };
        call.parties.auth().forget_purchase(forgetting).await?;
        Ok(())
    }
    .boxed()
}

pub(super) fn complete_checkout<'call>(
    call: &'call Call<'call>,
    state: &'call mut State,
) -> Outcome<'call> {
    async move {
        let completion = CompleteCheckoutRequest {
            operation: Some(call.operation.to_proto()),
            checkout_id: state.checkout_id.clone(),
            order_id: state.order_id.clone().unwrap_or_default(),
        };
        call.parties
            .checkout()
            .complete_checkout(completion)
            .await?;
        Ok(())
    }
    .boxed()
}

/// A step that makes several effects names each of them.
pub(in crate::sagas) fn suffixed(operation: &Operation, effect: &str) -> Operation {
    Operation {
        id: format!("{}/{effect}", operation.id),
        ..operation.clone()
    }
}

fn second_hold(state: &State) -> String {
    late_hold(&state.checkout_id)
}

/// The hold that a payment made anew which came late.
pub(in crate::sagas) fn late_hold(checkout_id: &str) -> String {
    format!("{checkout_id}/late")
}

fn stock_lines(state: &State) -> Vec<StockLine> {
    let stock = |line: &super::Line| StockLine {
        product_id: line.product_id.clone(),
        quantity: line.quantity,
    };
    state.lines.iter().map(stock).collect()
}

fn order_lines(state: &State) -> Vec<NewLine> {
    let new = |line: &super::Line| NewLine {
        product_id: line.product_id.clone(),
        name: line.name.clone(),
        seller_id: line.seller_id.clone(),
        unit_price_cents: line.unit_price_cents,
        quantity: line.quantity,
        image_url: line.image_url.clone(),
    };
    state.lines.iter().map(new).collect()
}

pub(super) fn sellers(state: &State) -> Vec<String> {
    let mut sellers: Vec<_> = state
        .lines
        .iter()
        .map(|line| line.seller_id.clone())
        .collect();
    sellers.sort_unstable();
    sellers.dedup();
    sellers
}

/// What each seller gains.
fn shares(state: &State) -> Result<Vec<SellerShare>, Failure> {
    let mut shares: BTreeMap<&str, i64> = BTreeMap::new();
    for line in &state.lines {
        let share = shares.entry(&line.seller_id).or_default();
        *share = line
            .unit_price_cents
            .checked_mul(line.quantity)
            .and_then(|price| share.checked_add(price))
            .ok_or_else(|| Failure::new(Code::ValidationFailed, "a share is too large"))?;
    }
    let share = |(seller_id, amount_cents): (&str, i64)| SellerShare {
        seller_id: seller_id.to_owned(),
        amount_cents,
    };
    Ok(shares.into_iter().map(share).collect())
}

#[cfg(test)]
mod tests {
    use super::{Code, shares};
    use crate::sagas::order_completed::{Line, State};

    fn line(seller: &str, unit_price_cents: i64, quantity: i64) -> Line {
        Line {
            product_id: "p".to_owned(),
            name: "Lamp".to_owned(),
            seller_id: seller.to_owned(),
            unit_price_cents,
            quantity,
            image_url: String::new(),
        }
    }

    #[test]
    fn each_seller_gains_the_sum_of_his_lines() {
        let lines = vec![line("b", 100, 2), line("a", 5, 1), line("b", 1, 1)];
        let state = State {
            lines,
            ..State::default()
        };
        let shares = shares(&state).unwrap();
        let shares: Vec<_> = shares
            .iter()
            .map(|share| (share.seller_id.as_str(), share.amount_cents))
            .collect();
        assert_eq!(shares, [("a", 5), ("b", 201)]);
    }

    #[test]
    fn a_share_that_does_not_fit_is_refused() {
        let state = State {
            lines: vec![line("a", i64::MAX, 2)],
            ..State::default()
        };
        assert_eq!(shares(&state).unwrap_err().code, Code::ValidationFailed);
    }
}
