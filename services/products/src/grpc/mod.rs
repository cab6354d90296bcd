//! The adapter: parse, call, map. No queries, no rules.

mod changes;
mod parse;
mod view;

use std::sync::Arc;

use bson::oid::ObjectId;
use reen_chassis::server::refuse;
use reen_chassis::{Answered, Caller, Operation, RequestKey};
use reen_proto::products::v1 as proto;
use tonic::{Request, Response, Status};

use crate::error::Error;
use crate::service::Products;
use crate::store::Idempotency;

/// Who may show products.
const READERS: &[&str] = &[
    "gateway",
    "cart-items",
    "checkout",
    "orders",
    "events-handler",
];
/// Who may act on behalf of a user.
const FOR_USERS: &[&str] = &["gateway"];
const HOLDERS: &[&str] = &["checkout", "events-handler"];
const CHECKOUT: &[&str] = &["checkout"];
const SAGAS: &[&str] = &["events-handler"];
/// Who may act for operators.
const FOR_OPERATORS: &[&str] = &["gateway", "reen"];

#[derive(Clone)]
pub(crate) struct Grpc {
    service: Arc<Products>,
    idempotency: Idempotency,
}

impl Grpc {
    pub(crate) fn new(service: Arc<Products>, idempotency: Idempotency) -> Self {
        Self {
            service,
            idempotency,
        }
    }
}

#[tonic::async_trait]
impl proto::products_server::Products for Grpc {
    async fn get_product(
        &self,
        request: Request<proto::GetProductRequest>,
    ) -> Result<Response<proto::Product>, Status> {
        Caller::of(&request)?.must_be(READERS)?;
        let id = existing_id(&request.get_ref().id)?;
        answer(self.service.get(id).await.map(view::product))
    }

    async fn find_products(
        &self,
        request: Request<proto::FindProductsRequest>,
    ) -> Result<Response<proto::FindProductsResponse>, Status> {
        Caller::of(&request)?.must_be(READERS)?;
        let ids = parse::known_ids(&request.get_ref().ids)?;
        let found = self.service.find(&ids).await;
        answer(found.map(|products| proto::FindProductsResponse {
            products: products.into_iter().map(view::product).collect(),
        }))
    }

    async fn list_products(
        &self,
        request: Request<proto::ListProductsRequest>,
    ) -> Result<Response<proto::ListProductsResponse>, Status> {
        Caller::of(&request)?.must_be(FOR_USERS)?;
        let search = parse::search(request.get_ref())?;
        answer(self.service.search(&search).await.map(view::page))
    }

    async fn create_product(
        &self,
        request: Request<proto::CreateProductRequest>,
    ) -> Result<Response<proto::Product>, Status> {
        let seller_id = signed_in(&request)?;
        let key = RequestKey::of(&request);
        let draft = parse::draft(request.into_inner())?;
        let service = Arc::clone(&self.service);
        let listing = move |claim| async move { service.create(seller_id, draft, &claim).await };
        Answered::respond(self.idempotency.once(key, view::product, listing).await)
    }

    async fn update_product(
        &self,
        request: Request<proto::UpdateProductRequest>,
    ) -> Result<Response<proto::Product>, Status> {
        let seller_id = signed_in(&request)?;
        let key = RequestKey::of(&request);
        let change = request.into_inner().change.unwrap_or_default();
        Answered::respond(self.change(seller_id, key, change).await)
    }

    async fn remove_product(
        &self,
        request: Request<proto::RemoveProductRequest>,
    ) -> Result<Response<proto::RemoveProductResponse>, Status> {
        let seller_id = signed_in(&request)?;
        let id = existing_id(&request.get_ref().id)?;
        let removed = self.service.remove(seller_id, &[id]).await;
        answer(removed.and_then(|removed| match removed.as_slice() {
            [] => Err(Error::NotFound),
            _ => Ok(proto::RemoveProductResponse {}),
        }))
    }

    async fn update_products(
        &self,
        request: Request<proto::UpdateProductsRequest>,
    ) -> Result<Response<proto::UpdateProductsResponse>, Status> {
        let seller_id = signed_in(&request)?;
        let key = RequestKey::of(&request);
        let changes = request.into_inner().changes;
        let ids: Vec<String> = changes.iter().map(|change| change.id.clone()).collect();
        parse::some_items("changes", &ids)?;
        let (this, parts) = (self.clone(), key.clone());
        let changing = move |claim| async move {
            let changed = this.change_each(seller_id, parts, changes, &claim);
            Ok::<_, Error>(changed.await)
        };
        let view = |outcomes| proto::UpdateProductsResponse { outcomes };
        Answered::respond(self.idempotency.once(key, view, changing).await)
    }

    async fn remove_products(
        &self,
        request: Request<proto::RemoveProductsRequest>,
    ) -> Result<Response<proto::RemoveProductsResponse>, Status> {
        let seller_id = signed_in(&request)?;
        let ids = request.into_inner().ids;
        parse::some_items("ids", &ids)?;
        let removed = self.service.remove(seller_id, &parse::ids(&ids)).await;
        answer(removed.map(|removed| proto::RemoveProductsResponse {
            outcomes: view::removals(ids, &removed),
        }))
    }

    async fn reserve_stock(
        &self,
        request: Request<proto::ReserveStockRequest>,
    ) -> Result<Response<proto::ReserveStockResponse>, Status> {
        Caller::of(&request)?.must_be(HOLDERS)?;
        let mut asked = request.into_inner();
        let operation = Operation::required(asked.operation.take())?;
        let reservation = parse::reservation(asked)?;
        let reserved = self.service.reserve(operation, reservation).await;
        answer(reserved.map(|lines| proto::ReserveStockResponse {
            lines: lines.into_iter().map(view::reserved_line).collect(),
        }))
    }

    async fn commit_hold(
        &self,
        request: Request<proto::CommitHoldRequest>,
    ) -> Result<Response<proto::CommitHoldResponse>, Status> {
        Caller::of(&request)?.must_be(HOLDERS)?;
        let asked = request.into_inner();
        let operation = Operation::required(asked.operation)?;
        let hold_id = parse::hold_id(asked.hold_id)?;
        let committed = self.service.commit(operation, hold_id).await;
        answer(committed.map(|()| proto::CommitHoldResponse {}))
    }

    async fn release_hold(
        &self,
        request: Request<proto::ReleaseHoldRequest>,
    ) -> Result<Response<proto::ReleaseHoldResponse>, Status> {
        Caller::of(&request)?.must_be(HOLDERS)?;
        let asked = request.into_inner();
        let operation = Operation::required(asked.operation)?;
        let hold_id = parse::hold_id(asked.hold_id)?;
        let released = self.service.release(operation, hold_id).await;
        answer(released.map(|()| proto::ReleaseHoldResponse {}))
    }

    async fn return_stock(
        &self,
        request: Request<proto::ReturnStockRequest>,
    ) -> Result<Response<proto::ReturnStockResponse>, Status> {
        Caller::of(&request)?.must_be(HOLDERS)?;
        let asked = request.into_inner();
        let operation = Operation::required(asked.operation)?;
        let hold_id = parse::hold_id(asked.hold_id)?;
        let returned = self.service.give_back(operation, hold_id).await;
        answer(returned.map(|()| proto::ReturnStockResponse {}))
    }

    async fn list_stale_holds(
        &self,
        request: Request<proto::ListStaleHoldsRequest>,
    ) -> Result<Response<proto::ListStaleHoldsResponse>, Status> {
        Caller::of(&request)?.must_be(CHECKOUT)?;
        let limit = parse::limit(request.get_ref().limit)?;
        let stale = self.service.stale_holds(limit).await;
        answer(stale.map(|hold_ids| proto::ListStaleHoldsResponse { hold_ids }))
    }

    async fn repair_stock(
        &self,
        request: Request<proto::RepairStockRequest>,
    ) -> Result<Response<proto::RepairStockResponse>, Status> {
        Caller::of(&request)?.must_be(FOR_OPERATORS)?;
        let repaired = self.service.repair_stock(request.get_ref().dry_run).await;
        answer(repaired.map(view::repair))
    }

    async fn withdraw_catalogue(
        &self,
        request: Request<proto::WithdrawCatalogueRequest>,
    ) -> Result<Response<proto::WithdrawCatalogueResponse>, Status> {
        Caller::of(&request)?.must_be(SAGAS)?;
        let asked = request.into_inner();
        let operation = Operation::required(asked.operation)?;
        let seller_id = parse::object_id("sellerId", &asked.seller_id)?;
        let withdrawn = self.service.withdraw(&operation, seller_id).await;
        answer(withdrawn.map(|()| proto::WithdrawCatalogueResponse {}))
    }
}

fn answer<T>(outcome: Result<T, Error>) -> Result<Response<T>, Status> {
    outcome.map(Response::new).map_err(|error| refuse(&error))
}

fn signed_in<T>(request: &Request<T>) -> Result<ObjectId, Status> {
    let caller = Caller::of(request)?;
    caller.must_be(FOR_USERS)?;
    Ok(parse::object_id("user", caller.user()?)?)
}

/// An id that cannot be one belongs to nothing.
fn existing_id(id: &str) -> Result<ObjectId, Status> {
    ObjectId::parse_str(id).map_err(|_| refuse(&Error::NotFound))
}
