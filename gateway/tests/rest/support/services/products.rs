use reen_error::{Code, Failure};
use reen_proto::paging::v1::Position;
use reen_proto::paging::v1::position::Key;
use reen_proto::products::v1 as products;
use reen_proto::time::from_millis;
use tonic::{Request, Response, async_trait};

use super::{Answer, BORN, PRODUCT, SELLER, answer, not_found};
use crate::support::Mesh;

/// The product with this number.
pub(crate) fn product(number: usize) -> products::Product {
    products::Product {
        id: format!("66f0c0ffee66f0c0ffee{:04x}", 0x0a00 + number),
        name: format!("Lamp {number}"),
        description: "Warm light".to_owned(),
        price_cents: 9_999,
        quantity: 5,
        image_urls: vec!["https://images.example/lamp.jpg".to_owned()],
        seller_id: SELLER.to_owned(),
        listed: true,
        version: 3,
        created_at: Some(from_millis(BORN)),
        updated_at: Some(from_millis(BORN)),
    }
}

#[async_trait]
impl products::products_server::Products for Mesh {
    async fn get_product(
        &self,
        r: Request<products::GetProductRequest>,
    ) -> Answer<products::Product> {
        self.note("GetProduct", &r)?;
        let id = &r.get_ref().id;
        let found = self.with(|state| state.products.iter().find(|each| each.id == *id).cloned());
        found.map(Response::new).ok_or_else(not_found)
    }

    async fn find_products(
        &self,
        r: Request<products::FindProductsRequest>,
    ) -> Answer<products::FindProductsResponse> {
        self.note("FindProducts", &r)?;
        let ids = &r.get_ref().ids;
        let mut products = self.with(|state| state.products.clone());
        products.retain(|each| ids.contains(&each.id));
        answer(products::FindProductsResponse { products })
    }

    async fn list_products(
        &self,
        r: Request<products::ListProductsRequest>,
    ) -> Answer<products::ListProductsResponse> {
        self.note("ListProducts", &r)?;
        let request = r.into_inner();
        let all = self.with(|state| state.products.clone());
        let total = i64::try_from(all.len()).unwrap();
        let limit = usize::try_from(request.limit).unwrap();
        let after = request
            .keyset
            .as_ref()
            .and_then(|keyset| keyset.after.as_ref());
        let skip = match after {
            Some(last) => all.iter().position(|each| each.id == last.id).unwrap() + 1,
            None => usize::try_from(request.skip).unwrap(),
        };
        let goes_on = request.keyset.is_some() && all.len() > skip + limit;
        let products: Vec<_> = all.into_iter().skip(skip).take(limit).collect();
        let next = products.last().filter(|_| goes_on).map(|last| Position {
            key: Some(Key::Number(BORN)),
            id: last.id.clone(),
        });
        answer(products::ListProductsResponse {
            products,
            total,
            next,
        })
    }

    async fn create_product(
        &self,
        r: Request<products::CreateProductRequest>,
    ) -> Answer<products::Product> {
        self.note("CreateProduct", &r)?;
        let price_cents = r.get_ref().price_cents;
        answer(products::Product {
            price_cents,
            ..product(1)
        })
    }

    async fn update_product(
        &self,
        r: Request<products::UpdateProductRequest>,
    ) -> Answer<products::Product> {
        self.note("UpdateProduct", &r)?;
        let change = r.into_inner().change.unwrap_or_default();
        if change.expected_version.is_some_and(|version| version != 3) {
            return Err(Failure::new(Code::PreconditionFailed, "changed meanwhile").into());
        }
        answer(products::Product {
            id: change.id,
            version: 4,
            ..product(1)
        })
    }

    async fn remove_product(
        &self,
        r: Request<products::RemoveProductRequest>,
    ) -> Answer<products::RemoveProductResponse> {
        self.note("RemoveProduct", &r)?;
        answer(products::RemoveProductResponse {})
    }

    async fn update_products(
        &self,
        r: Request<products::UpdateProductsRequest>,
    ) -> Answer<products::UpdateProductsResponse> {
        self.note("UpdateProducts", &r)?;
        let changes = r.into_inner().changes;
        let outcomes = changes.into_iter().map(|change| {
            let outcome = if change.id == PRODUCT {
                products::item_outcome::Outcome::Product(product(1))
            } else {
                products::item_outcome::Outcome::Failure(products::ItemFailure {
                    code: "not_found".to_owned(),
                    message: "There is no such product".to_owned(),
                })
            };
            products::ItemOutcome {
                id: change.id,
                outcome: Some(outcome),
            }
        });
        let outcomes = outcomes.collect();
        answer(products::UpdateProductsResponse { outcomes })
    }

    async fn remove_products(
        &self,
        r: Request<products::RemoveProductsRequest>,
    ) -> Answer<products::RemoveProductsResponse> {
        self.note("RemoveProducts", &r)?;
        let removed = products::item_outcome::Outcome::Removed(products::ItemRemoved {});
        let outcomes = r.into_inner().ids.into_iter();
        let outcomes = outcomes.map(|id| products::ItemOutcome {
            id,
            outcome: Some(removed.clone()),
        });
        answer(products::RemoveProductsResponse {
            outcomes: outcomes.collect(),
        })
    }
}
