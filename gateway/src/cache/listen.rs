use std::sync::Arc;

use reen_messaging::{Broker, Heard, Hearing, Topic};
use reen_proto::events::PRODUCTS_CHANGED;
use reen_proto::events::v1::ProductsChanged;
use tokio_util::sync::CancellationToken;
use tonic::async_trait;

use super::Cache;

const TOPIC: Topic = Topic {
    name: PRODUCTS_CHANGED,
};

/// Forgets, until `shutdown`, what products says has changed. What it cannot hear ends by its age.
pub(crate) async fn listen(broker: Broker, cache: Arc<Cache>, shutdown: CancellationToken) {
    let forgetting = Forgetting(cache);
    broker.listen(TOPIC, &forgetting, shutdown).await;
}

struct Forgetting(Arc<Cache>);

#[async_trait]
impl Hearing for Forgetting {
    async fn hear(&self, heard: Heard) {
        match heard {
            Heard::Beginning => self.0.forget_everything(),
            Heard::News(news) => match news.decode::<ProductsChanged>() {
                Ok(changed) => self.0.forget_products(&changed.ids).await,
                Err(error) => tracing::error!(error, "news of products cannot be read"),
            },
        }
    }
}
