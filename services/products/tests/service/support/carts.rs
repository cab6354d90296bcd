use std::sync::{Arc, Mutex};

use reen_error::{Code, Failure};
use reen_proto::cart_items::v1 as proto;
use tonic::{Request, Response, Status};

/// A stand-in for cart-items: keeps which products left the carts.
#[derive(Clone, Default)]
pub(crate) struct Carts {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    calls: Vec<Vec<String>>,
    away: bool,
}

impl Carts {
    /// The product ids of each call.
    pub(crate) fn calls(&self) -> Vec<Vec<String>> {
        self.state.lock().unwrap().calls.clone()
    }

    pub(crate) fn have_lost(&self, product_id: &str) -> bool {
        let calls = self.calls();
        calls.iter().flatten().any(|removed| removed == product_id)
    }

    pub(crate) fn be_away(&self, away: bool) {
        self.state.lock().unwrap().away = away;
    }
}

#[tonic::async_trait]
impl proto::cart_items_server::CartItems for Carts {
    async fn remove_products(
        &self,
        request: Request<proto::RemoveProductsRequest>,
    ) -> Result<Response<proto::RemoveProductsResponse>, Status> {
        let mut state = self.state.lock().unwrap();
        if state.away {
            return Err(Failure::new(Code::Unavailable, "away").into());
        }
        state.calls.push(request.into_inner().product_ids);
        Ok(Response::new(proto::RemoveProductsResponse { removed: 0 }))
    }
}
