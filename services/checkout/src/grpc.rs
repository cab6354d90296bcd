//! The adapter: parse, call, map. No queries, no rules.

use std::sync::Arc;

use bson::DateTime;
use bson::oid::ObjectId;
use reen_chassis::server::refuse;
use reen_chassis::{Answered, Caller, Operation, RequestKey};
use reen_error::{Failure, FieldFailure};
use reen_proto::checkout::v1 as proto;
use reen_proto::time::{from_millis, to_millis};
use tonic::{Request, Response, Status};

use crate::domain::{Checkout, Line, ReceivedPayment, RecordedPayment, State, Unsettled, Window};
use crate::error::Error;
use crate::service::Checkouts;
use crate::store::Idempotency;

/// Who may act on behalf of a user.
const FOR_USERS: &[&str] = &["gateway"];
const SAGAS: &[&str] = &["events-handler"];
const LONGEST_LIST: i32 = 1_000;

pub(crate) struct Grpc {
    service: Arc<Checkouts>,
    idempotency: Idempotency,
}

impl Grpc {
    pub(crate) fn new(service: Arc<Checkouts>, idempotency: Idempotency) -> Self {
        Self {
            service,
            idempotency,
        }
    }
}

#[tonic::async_trait]
impl proto::checkout_server::Checkout for Grpc {
    async fn open_checkout(
        &self,
        request: Request<proto::OpenCheckoutRequest>,
    ) -> Result<Response<proto::CheckoutSession>, Status> {
        let user_id = signed_in(&request)?;
        let service = Arc::clone(&self.service);
        let opening = move |claim| async move { service.open(user_id, claim).await };
        let key = RequestKey::of(&request);
        Answered::respond(self.idempotency.once(key, view, opening).await)
    }

    async fn get_checkout(
        &self,
        request: Request<proto::GetCheckoutRequest>,
    ) -> Result<Response<proto::CheckoutSession>, Status> {
        let user_id = signed_in(&request)?;
        let id = checkout_id(&request.get_ref().id)?;
        answer(self.service.get(user_id, id).await.map(view))
    }

    async fn cancel_checkout(
        &self,
        request: Request<proto::CancelCheckoutRequest>,
    ) -> Result<Response<proto::CheckoutSession>, Status> {
        let user_id = signed_in(&request)?;
        let id = checkout_id(&request.get_ref().id)?;
        let service = Arc::clone(&self.service);
        let canceling = move |claim| async move { service.cancel(user_id, id, &claim).await };
        let key = RequestKey::of(&request);
        Answered::respond(self.idempotency.once(key, view, canceling).await)
    }

    async fn find_payment(
        &self,
        request: Request<proto::FindPaymentRequest>,
    ) -> Result<Response<proto::Payment>, Status> {
        Caller::of(&request)?.must_be(SAGAS)?;
        let id = checkout_id(&request.get_ref().checkout_id)?;
        answer(self.service.find(id).await.map(payment_view))
    }

    async fn list_unsettled(
        &self,
        request: Request<proto::ListUnsettledRequest>,
    ) -> Result<Response<proto::ListUnsettledResponse>, Status> {
        Caller::of(&request)?.must_be(SAGAS)?;
        let window = window(&request.into_inner())?;
        let unsettled = self.service.unsettled(window).await;
        answer(unsettled.map(|checkouts| proto::ListUnsettledResponse {
            checkouts: checkouts.into_iter().map(unsettled_view).collect(),
        }))
    }

    async fn record_payment(
        &self,
        request: Request<proto::RecordPaymentRequest>,
    ) -> Result<Response<proto::RecordPaymentResponse>, Status> {
        Caller::of(&request)?.must_be(SAGAS)?;
        let mut asked = request.into_inner();
        let operation = Operation::required(asked.operation.take())?;
        let id = checkout_id(&asked.checkout_id)?;
        let received = received_payment(asked)?;
        let recorded = self.service.record_payment(&operation, id, &received).await;
        answer(recorded.map(|checkout| proto::RecordPaymentResponse {
            checkout: Some(view(checkout)),
        }))
    }

    async fn complete_checkout(
        &self,
        request: Request<proto::CompleteCheckoutRequest>,
    ) -> Result<Response<proto::CompleteCheckoutResponse>, Status> {
        Caller::of(&request)?.must_be(SAGAS)?;
        let asked = request.into_inner();
        let operation = Operation::required(asked.operation)?;
        let id = checkout_id(&asked.checkout_id)?;
        let order_id = required("orderId", asked.order_id)?;
        let completed = self.service.complete(&operation, id, &order_id).await;
        answer(completed.map(|()| proto::CompleteCheckoutResponse {}))
    }

    async fn expire_checkout(
        &self,
        request: Request<proto::ExpireCheckoutRequest>,
    ) -> Result<Response<proto::ExpireCheckoutResponse>, Status> {
        Caller::of(&request)?.must_be(SAGAS)?;
        let asked = request.into_inner();
        let operation = Operation::required(asked.operation)?;
        let id = checkout_id(&asked.checkout_id)?;
        let expired = self.service.expire(&operation, id).await;
        answer(expired.map(|()| proto::ExpireCheckoutResponse {}))
    }

    async fn record_refund(
        &self,
        request: Request<proto::RecordRefundRequest>,
    ) -> Result<Response<proto::RecordRefundResponse>, Status> {
        Caller::of(&request)?.must_be(SAGAS)?;
        let asked = request.into_inner();
        let operation = Operation::required(asked.operation)?;
        let id = checkout_id(&asked.checkout_id)?;
        let refund_id = required("refundId", asked.refund_id)?;
        let recorded = self.service.record_refund(&operation, id, &refund_id).await;
        answer(recorded.map(|()| proto::RecordRefundResponse {}))
    }
}

fn answer<T>(outcome: Result<T, Error>) -> Result<Response<T>, Status> {
    outcome.map(Response::new).map_err(|error| refuse(&error))
}

fn signed_in<T>(request: &Request<T>) -> Result<ObjectId, Failure> {
    let caller = Caller::of(request)?;
    caller.must_be(FOR_USERS)?;
    ObjectId::parse_str(caller.user()?).map_err(|_| invalid("user", "not_an_id", "must be an id"))
}

/// An id that cannot be one belongs to nothing.
fn checkout_id(id: &str) -> Result<ObjectId, Status> {
    ObjectId::parse_str(id).map_err(|_| refuse(&Error::NotFound))
}

fn received_payment(asked: proto::RecordPaymentRequest) -> Result<ReceivedPayment, Failure> {
    Ok(ReceivedPayment {
        payment: RecordedPayment {
            session_id: required("stripeSessionId", asked.stripe_session_id)?,
            intent_id: required("paymentIntentId", asked.payment_intent_id)?,
        },
        amount_cents: asked.amount_cents,
        currency: asked.currency,
        told_at: DateTime::now(),
    })
}

fn window(asked: &proto::ListUnsettledRequest) -> Result<Window, Failure> {
    let moment = |time| DateTime::from_millis(to_millis(time));
    let Some(before) = &asked.before else {
        return Err(invalid("before", "required", "must be set"));
    };
    if !(1..=LONGEST_LIST).contains(&asked.limit) {
        let why = format!("must be from 1 to {LONGEST_LIST}");
        return Err(invalid("limit", "out_of_range", &why));
    }
    Ok(Window {
        from: asked.from.as_ref().map(moment),
        before: moment(before),
        limit: asked.limit.into(),
    })
}

fn required(field: &str, value: String) -> Result<String, Failure> {
    if value.is_empty() {
        return Err(invalid(field, "required", "must not be empty"));
    }
    Ok(value)
}

fn invalid(field: &str, code: &str, why: &str) -> Failure {
    Failure::invalid(vec![FieldFailure::new(field, code, why)])
}

fn view(checkout: Checkout) -> proto::CheckoutSession {
    let is_open = checkout.state == State::Open;
    let page = checkout.page.filter(|_| is_open);
    proto::CheckoutSession {
        id: checkout.id.to_hex(),
        user_id: checkout.user_id.to_hex(),
        status: status(checkout.state).into(),
        stripe_session_url: page.map(|page| page.url).unwrap_or_default(),
        total_cents: checkout.total_cents,
        currency: checkout.currency,
        lines: checkout.lines.into_iter().map(line).collect(),
        order_id: checkout.order_id,
        expires_at: Some(from_millis(checkout.expires_at.timestamp_millis())),
        created_at: Some(from_millis(checkout.created_at.timestamp_millis())),
        updated_at: Some(from_millis(checkout.updated_at.timestamp_millis())),
    }
}

fn payment_view(checkout: Checkout) -> proto::Payment {
    let payment = checkout.payment;
    proto::Payment {
        checkout_id: checkout.id.to_hex(),
        status: status(checkout.state).into(),
        payment_intent_id: payment.map(|it| it.intent_id).unwrap_or_default(),
        total_cents: checkout.total_cents,
        currency: checkout.currency,
        order_id: checkout.order_id,
    }
}

fn unsettled_view(checkout: Unsettled) -> proto::UnsettledCheckout {
    proto::UnsettledCheckout {
        checkout_id: checkout.id.to_hex(),
        status: status(checkout.state).into(),
        stripe_session_id: checkout.session_id.unwrap_or_default(),
        since: Some(from_millis(checkout.since.timestamp_millis())),
    }
}

fn status(state: State) -> proto::Status {
    match state {
        State::Opening | State::Open => proto::Status::Open,
        State::Paid => proto::Status::Paid,
        State::Completed => proto::Status::Completed,
        State::Expired => proto::Status::Expired,
        State::Canceled => proto::Status::Canceled,
        State::Refunded => proto::Status::Refunded,
    }
}

fn line(line: Line) -> proto::Line {
    proto::Line {
        product_id: line.product_id.to_hex(),
        name: line.name,
        seller_id: line.seller_id.to_hex(),
        unit_price_cents: line.unit_price_cents,
        quantity: line.quantity,
        image_url: line.image_url,
    }
}
