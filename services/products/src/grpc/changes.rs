//! Changes of products, one or many, by requests that may have names.

use std::sync::Arc;

use bson::oid::ObjectId;
use futures::StreamExt as _;
use reen_chassis::{Answered, RequestKey};
use reen_error::{Coded as _, Handling};
use reen_proto::products::v1 as proto;

use super::{Grpc, parse, view};
use crate::error::Error;
use crate::store::Claim;

/// How many changes of one request are made at the same time.
const AT_ONCE: usize = 8;

type Changed = Result<Answered<proto::Product>, Error>;

impl Grpc {
    /// Changes one product.
    pub(super) async fn change(
        &self,
        seller_id: ObjectId,
        key: Option<RequestKey>,
        change: proto::ProductChange,
    ) -> Changed {
        let wanted = parse::product_change(change)?;
        let service = Arc::clone(&self.service);
        let changing = move |claim| async move { service.update(seller_id, &wanted, &claim).await };
        self.idempotency.once(key, view::product, changing).await
    }

    /// Changes several products; the outcomes are in the order of the changes. Each is a named request of
    /// its own, so that a process that dies in the middle leaves none that would be made twice.
    pub(super) async fn change_each(
        &self,
        seller_id: ObjectId,
        key: Option<RequestKey>,
        changes: Vec<proto::ProductChange>,
        claim: &Claim<Vec<proto::ItemOutcome>>,
    ) -> Vec<proto::ItemOutcome> {
        let changed: Vec<(String, Changed)> = futures::stream::iter(changes)
            .map(|change| {
                let id = change.id.clone();
                let part = key.as_ref().map(|key| key.part(&id));
                async move { (id, self.change(seller_id, part, change).await) }
            })
            .buffered(AT_ONCE)
            .collect()
            .await;
        if changed
            .iter()
            .any(|(_, outcome)| may_succeed_later(outcome))
        {
            claim.give_back().await;
        }
        changed.into_iter().map(view::updated).collect()
    }
}

fn may_succeed_later(outcome: &Changed) -> bool {
    let error = outcome.as_ref().err();
    error.is_some_and(|error| error.code().handling() == Handling::Retry)
}
