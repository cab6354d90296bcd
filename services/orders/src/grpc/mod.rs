//! The adapter: parse, call, map. No queries, no rules.

mod parse;
mod view;

use std::sync::Arc;

use bson::oid::ObjectId;
use reen_chassis::server::refuse;
use reen_chassis::{Answered, Caller, Operation, RequestKey};
use reen_error::Failure;
use reen_proto::orders::v1 as proto;
use tonic::{Request, Response, Status};

use crate::domain::Requester;
use crate::error::Error;
use crate::service::Orders;
use crate::store::Idempotency;

/// Who may act on behalf of a user.
const FOR_USERS: &[&str] = &["gateway"];
const CATALOGUE: &[&str] = &["gateway", "products"];
const SAGAS: &[&str] = &["events-handler"];
/// Who is believed that somebody is an operator.
const REFUNDERS: &[&str] = &["gateway", "reen"];

pub(crate) struct Grpc {
    service: Arc<Orders>,
    idempotency: Idempotency,
}

impl Grpc {
    pub(crate) fn new(service: Arc<Orders>, idempotency: Idempotency) -> Self {
        Self {
            service,
            idempotency,
        }
    }
}

#[tonic::async_trait]
impl proto::orders_server::Orders for Grpc {
    async fn list_orders(
        &self,
        request: Request<proto::ListOrdersRequest>,
    ) -> Result<Response<proto::ListOrdersResponse>, Status> {
        let user_id = signed_in(&request)?;
        let asked = request.get_ref();
        let page = parse::page(asked.limit, asked.skip, asked.keyset.as_ref())?;
        answer(self.service.list(user_id, page).await.map(view::orders))
    }

    async fn get_order(
        &self,
        request: Request<proto::GetOrderRequest>,
    ) -> Result<Response<proto::Order>, Status> {
        let user_id = signed_in(&request)?;
        let id = order_id(&request.get_ref().id)?;
        answer(self.service.get(user_id, id).await.map(view::order))
    }

    async fn list_sales(
        &self,
        request: Request<proto::ListSalesRequest>,
    ) -> Result<Response<proto::ListSalesResponse>, Status> {
        let seller_id = signed_in(&request)?;
        let asked = request.get_ref();
        let page = parse::page(asked.limit, asked.skip, asked.keyset.as_ref())?;
        answer(self.service.sales(seller_id, page).await.map(view::sales))
    }

    async fn change_status(
        &self,
        request: Request<proto::ChangeStatusRequest>,
    ) -> Result<Response<proto::Order>, Status> {
        let seller_id = signed_in(&request)?;
        let id = order_id(&request.get_ref().id)?;
        let wanted = parse::status(request.get_ref().status())?;
        let service = Arc::clone(&self.service);
        let changing =
            move |claim| async move { service.change_status(seller_id, id, wanted, &claim).await };
        let key = RequestKey::of(&request);
        Answered::respond(self.idempotency.once(key, view::order, changing).await)
    }

    async fn count_orders(
        &self,
        request: Request<proto::CountOrdersRequest>,
    ) -> Result<Response<proto::CountOrdersResponse>, Status> {
        Caller::of(&request)?.must_be(CATALOGUE)?;
        let product_ids = parse::product_ids(&request.get_ref().product_ids)?;
        answer(self.service.count(&product_ids).await.map(view::counts))
    }

    async fn request_refund(
        &self,
        request: Request<proto::RequestRefundRequest>,
    ) -> Result<Response<proto::Refund>, Status> {
        let requester = requester(&request)?;
        let key = RequestKey::of(&request);
        let asked = request.into_inner();
        let order_id = order_id(&asked.order_id)?;
        let wish = parse::wish(asked, requester)?;
        let service = Arc::clone(&self.service);
        let asking =
            move |claim| async move { service.request_refund(order_id, &wish, &claim).await };
        let view = move |refund| view::refund(order_id, refund);
        Answered::respond(self.idempotency.once(key, view, asking).await)
    }

    async fn settle_refund(
        &self,
        request: Request<proto::SettleRefundRequest>,
    ) -> Result<Response<proto::SettleRefundResponse>, Status> {
        Caller::of(&request)?.must_be(SAGAS)?;
        let asked = request.into_inner();
        let operation = Operation::required(asked.operation)?;
        let order_id = order_id(&asked.order_id)?;
        let stripe_id = parse::stripe_id("stripeRefundId", asked.stripe_refund_id)?;
        let settled = self
            .service
            .settle_refund(&operation, order_id, &asked.refund_id, &stripe_id)
            .await;
        answer(settled.map(|order| proto::SettleRefundResponse {
            order: Some(view::order(order)),
        }))
    }

    async fn reject_refund(
        &self,
        request: Request<proto::RejectRefundRequest>,
    ) -> Result<Response<proto::RejectRefundResponse>, Status> {
        Caller::of(&request)?.must_be(SAGAS)?;
        let asked = request.into_inner();
        let operation = Operation::required(asked.operation)?;
        let order_id = order_id(&asked.order_id)?;
        let rejected = self
            .service
            .reject_refund(&operation, order_id, &asked.refund_id, &asked.why)
            .await;
        answer(rejected.map(|()| proto::RejectRefundResponse {}))
    }

    async fn record_outside_refund(
        &self,
        request: Request<proto::RecordOutsideRefundRequest>,
    ) -> Result<Response<proto::RecordOutsideRefundResponse>, Status> {
        Caller::of(&request)?.must_be(SAGAS)?;
        let asked = request.into_inner();
        let operation = Operation::required(asked.operation)?;
        let checkout_id = parse::checkout_id(asked.checkout_id)?;
        let outside = parse::outside_refund(asked.stripe_refund_id, asked.amount_cents)?;
        let recorded = self
            .service
            .record_outside_refund(&operation, &checkout_id, &outside)
            .await;
        answer(recorded.map(view::outside_refund))
    }

    async fn create_order(
        &self,
        request: Request<proto::CreateOrderRequest>,
    ) -> Result<Response<proto::Order>, Status> {
        Caller::of(&request)?.must_be(SAGAS)?;
        let mut asked = request.into_inner();
        let operation = Operation::required(asked.operation.take())?;
        let order = parse::new_order(asked)?;
        let created = self.service.create(operation, order).await;
        answer(created.map(view::order))
    }

    async fn withdraw_order(
        &self,
        request: Request<proto::WithdrawOrderRequest>,
    ) -> Result<Response<proto::WithdrawOrderResponse>, Status> {
        Caller::of(&request)?.must_be(SAGAS)?;
        let asked = request.into_inner();
        let operation = Operation::required(asked.operation)?;
        let checkout_id = parse::checkout_id(asked.checkout_id)?;
        let withdrawn = self.service.withdraw(&operation, &checkout_id).await;
        answer(withdrawn.map(|()| proto::WithdrawOrderResponse {}))
    }
}

fn answer<T>(outcome: Result<T, Error>) -> Result<Response<T>, Status> {
    outcome.map(Response::new).map_err(|error| refuse(&error))
}

fn signed_in<T>(request: &Request<T>) -> Result<ObjectId, Failure> {
    let caller = Caller::of(request)?;
    caller.must_be(FOR_USERS)?;
    parse::object_id("user", caller.user()?)
}

fn requester(request: &Request<proto::RequestRefundRequest>) -> Result<Requester, Failure> {
    let caller = Caller::of(request)?;
    caller.must_be(REFUNDERS)?;
    if request.get_ref().as_operator {
        return Ok(Requester::Operator);
    }
    parse::object_id("user", caller.user()?).map(Requester::Seller)
}

/// An id that cannot be one belongs to nothing.
fn order_id(id: &str) -> Result<ObjectId, Status> {
    ObjectId::parse_str(id).map_err(|_| refuse(&Error::NotFound))
}
