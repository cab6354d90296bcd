//! The adapter: parse, call, map. No queries, no rules.

use std::sync::Arc;

use bson::oid::ObjectId;
use reen_chassis::server::refuse;
use reen_chassis::{Answered, Caller, Operation, RequestKey};
use reen_error::{Failure, FieldFailure};
use reen_proto::cart_items::v1 as proto;
use reen_proto::time::from_millis;
use tonic::{Request, Response, Status};

use crate::domain::{BoughtLine, CartItem, Quantity};
use crate::error::Error;
use crate::service::CartItems;
use crate::store::Idempotency;

/// Who may act on behalf of a user.
const FOR_USERS: &[&str] = &["gateway", "checkout"];
const SAGAS: &[&str] = &["events-handler"];
const CATALOGUE: &[&str] = &["products"];

const MOST_IDS: usize = 1_000;

pub(crate) struct Grpc {
    service: Arc<CartItems>,
    idempotency: Idempotency,
}

impl Grpc {
    pub(crate) fn new(service: Arc<CartItems>, idempotency: Idempotency) -> Self {
        Self {
            service,
            idempotency,
        }
    }
}

#[tonic::async_trait]
impl proto::cart_items_server::CartItems for Grpc {
    async fn add_item(
        &self,
        request: Request<proto::AddItemRequest>,
    ) -> Result<Response<proto::CartItem>, Status> {
        let user_id = signed_in(&request)?;
        let key = RequestKey::of(&request);
        let asked = request.into_inner();
        let product_id = object_id("productId", &asked.product_id)?;
        let quantity = quantity(asked.quantity)?;
        let service = Arc::clone(&self.service);
        let adding =
            move |claim| async move { service.add(user_id, product_id, quantity, &claim).await };
        Answered::respond(self.idempotency.once(key, view, adding).await)
    }

    async fn list_items(
        &self,
        request: Request<proto::ListItemsRequest>,
    ) -> Result<Response<proto::ListItemsResponse>, Status> {
        let items = self.service.list(signed_in(&request)?).await;
        answer(items.map(|items| proto::ListItemsResponse {
            items: items.into_iter().map(view).collect(),
        }))
    }

    async fn get_item(
        &self,
        request: Request<proto::GetItemRequest>,
    ) -> Result<Response<proto::CartItem>, Status> {
        let user_id = signed_in(&request)?;
        let id = item_id(&request.get_ref().id)?;
        answer(self.service.get(user_id, id).await.map(view))
    }

    async fn change_quantity(
        &self,
        request: Request<proto::ChangeQuantityRequest>,
    ) -> Result<Response<proto::CartItem>, Status> {
        let user_id = signed_in(&request)?;
        let id = item_id(&request.get_ref().id)?;
        let quantity = quantity(request.get_ref().quantity)?;
        let service = Arc::clone(&self.service);
        let changing = move |claim| async move {
            service.change_quantity(user_id, id, quantity, &claim).await
        };
        let key = RequestKey::of(&request);
        Answered::respond(self.idempotency.once(key, view, changing).await)
    }

    async fn remove_item(
        &self,
        request: Request<proto::RemoveItemRequest>,
    ) -> Result<Response<proto::RemoveItemResponse>, Status> {
        let user_id = signed_in(&request)?;
        let id = item_id(&request.get_ref().id)?;
        let removed = self.service.remove(user_id, id).await;
        answer(removed.map(|()| proto::RemoveItemResponse {}))
    }

    async fn clear_cart(
        &self,
        request: Request<proto::ClearCartRequest>,
    ) -> Result<Response<proto::ClearCartResponse>, Status> {
        let removed = self.service.clear(signed_in(&request)?).await;
        answer(removed.map(|removed| proto::ClearCartResponse {
            removed: count(removed),
        }))
    }

    async fn remove_products(
        &self,
        request: Request<proto::RemoveProductsRequest>,
    ) -> Result<Response<proto::RemoveProductsResponse>, Status> {
        Caller::of(&request)?.must_be(CATALOGUE)?;
        let product_ids = product_ids(&request.get_ref().product_ids)?;
        let removed = self.service.remove_products(&product_ids).await;
        answer(removed.map(|removed| proto::RemoveProductsResponse {
            removed: count(removed),
        }))
    }

    async fn take_out_bought(
        &self,
        request: Request<proto::TakeOutBoughtRequest>,
    ) -> Result<Response<proto::TakeOutBoughtResponse>, Status> {
        Caller::of(&request)?.must_be(SAGAS)?;
        let asked = request.into_inner();
        let operation = Operation::required(asked.operation)?;
        let user_id = object_id("userId", &asked.user_id)?;
        let lines = asked
            .lines
            .iter()
            .map(bought_line)
            .collect::<Result<Vec<_>, _>>()?;
        let taken = self
            .service
            .take_out_bought(operation, user_id, lines)
            .await;
        answer(taken.map(|()| proto::TakeOutBoughtResponse {}))
    }

    async fn put_back(
        &self,
        request: Request<proto::PutBackRequest>,
    ) -> Result<Response<proto::PutBackResponse>, Status> {
        Caller::of(&request)?.must_be(SAGAS)?;
        let asked = request.into_inner();
        let operation = Operation::required(asked.operation)?;
        let back = self
            .service
            .put_back(&operation, &asked.take_operation_id)
            .await;
        answer(back.map(|()| proto::PutBackResponse {}))
    }

    async fn empty_cart(
        &self,
        request: Request<proto::EmptyCartRequest>,
    ) -> Result<Response<proto::EmptyCartResponse>, Status> {
        Caller::of(&request)?.must_be(SAGAS)?;
        let asked = request.into_inner();
        let operation = Operation::required(asked.operation)?;
        let user_id = object_id("userId", &asked.user_id)?;
        let emptied = self.service.empty(&operation, user_id).await;
        answer(emptied.map(|()| proto::EmptyCartResponse {}))
    }
}

fn answer<T>(outcome: Result<T, Error>) -> Result<Response<T>, Status> {
    outcome.map(Response::new).map_err(|error| refuse(&error))
}

fn signed_in<T>(request: &Request<T>) -> Result<ObjectId, Failure> {
    let caller = Caller::of(request)?;
    caller.must_be(FOR_USERS)?;
    object_id("user", caller.user()?)
}

/// An id that cannot be one belongs to nothing.
fn item_id(id: &str) -> Result<ObjectId, Status> {
    ObjectId::parse_str(id).map_err(|_| refuse(&Error::NotFound))
}

fn object_id(field: &str, id: &str) -> Result<ObjectId, Failure> {
    ObjectId::parse_str(id).map_err(|_| {
        let malformed = FieldFailure::new(field, "not_an_id", "must be 24 hex digits");
        Failure::invalid(vec![malformed])
    })
}

fn quantity(pieces: i64) -> Result<Quantity, Failure> {
    Quantity::parse(pieces).map_err(|field| Failure::invalid(vec![field]))
}

fn product_ids(ids: &[String]) -> Result<Vec<ObjectId>, Failure> {
    if ids.len() > MOST_IDS {
        let sentence = format!("must have at most {MOST_IDS}");
        let too_many = FieldFailure::new("productIds", "too_many", sentence);
        return Err(Failure::invalid(vec![too_many]));
    }
    ids.iter().map(|id| object_id("productIds", id)).collect()
}

fn bought_line(line: &proto::BoughtLine) -> Result<BoughtLine, Failure> {
    Ok(BoughtLine {
        product_id: object_id("lines.productId", &line.product_id)?,
        quantity: quantity(line.quantity)?.pieces(),
    })
}

fn count(documents: u64) -> i64 {
    i64::try_from(documents).unwrap_or(i64::MAX)
}

fn view(item: CartItem) -> proto::CartItem {
    proto::CartItem {
        id: item.id.to_hex(),
        user_id: item.user_id.to_hex(),
        product_id: item.product_id.to_hex(),
        quantity: item.quantity,
        created_at: Some(from_millis(item.created_at.timestamp_millis())),
        updated_at: Some(from_millis(item.updated_at.timestamp_millis())),
    }
}
