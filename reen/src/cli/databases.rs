//! The databases of the mesh, for the commands that need them and no service.

use anyhow::Context as _;
use clap::ValueEnum;
use reen_chassis::config::{Environment, Reader};
use reen_mongo::{Database, Schema};
use secrecy::SecretString;

use super::NAME;

/// A process that has a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Owner {
    Auth,
    Products,
    CartItems,
    Checkout,
    Orders,
    EventsHandler,
}

/// One database, and what this program takes it to be like.
pub(super) struct Owned {
    pub(super) schema: Schema,
    pub(super) database: Database,
}

impl Owner {
    pub(super) const ALL: [Self; 6] = [
        Self::Auth,
        Self::Products,
        Self::CartItems,
        Self::Checkout,
        Self::Orders,
        Self::EventsHandler,
    ];

    /// The setting that says where its database is.
    fn key(self) -> &'static str {
        match self {
            Self::Auth => "AUTH_DATABASE_URL",
            Self::Products => "PRODUCTS_DATABASE_URL",
            Self::CartItems => "CART_ITEMS_DATABASE_URL",
            Self::Checkout => "CHECKOUT_DATABASE_URL",
            Self::Orders => "ORDERS_DATABASE_URL",
            Self::EventsHandler => "EVENTS_DATABASE_URL",
        }
    }

    pub(super) fn schema(self) -> Schema {
        match self {
            Self::Auth => reen_auth::schema(),
            Self::Products => reen_products::schema(),
            Self::CartItems => reen_cart_items::schema(),
            Self::Checkout => reen_checkout::schema(),
            Self::Orders => reen_orders::schema(),
            Self::EventsHandler => reen_events_handler::schema(),
        }
    }
}

impl Owned {
    pub(super) fn owner(&self) -> &'static str {
        self.schema.owner()
    }
}

/// Opens the databases of these processes; of no other is the setting needed.
pub(super) async fn open(
    owners: &[Owner],
    environment: &dyn Environment,
) -> anyhow::Result<Vec<Owned>> {
    let urls = Reader::read(environment, |reader| {
        let urls: Vec<_> = owners.iter().map(|it| reader.secret(it.key())).collect();
        urls.into_iter().collect::<Option<Vec<SecretString>>>()
    })?;
    let mut opened = Vec::new();
    for (owner, url) in owners.iter().zip(&urls) {
        let schema = owner.schema();
        let database = Database::open(url, NAME).await;
        let database = database
            .with_context(|| format!("the database of {} cannot be opened", schema.owner()))?;
        opened.push(Owned { schema, database });
    }
    Ok(opened)
}

#[cfg(test)]
mod tests {
    use reen_testkit::assert_sound;

    use super::Owner;

    #[tokio::test]
    async fn every_schema_makes_a_database_as_it_says() {
        for owner in Owner::ALL {
            assert_sound(&owner.schema()).await;
        }
    }
}
