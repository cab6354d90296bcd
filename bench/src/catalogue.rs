use std::io::Write as _;
use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use mongodb::{Client, Collection};
use rand::Rng as _;

const BATCH: u64 = 2_000;
const TELL_EVERY: Duration = Duration::from_secs(2);
/// Prices go round, so that a lowest price leaves more or fewer products.
const PRICES: u64 = 100_000;
const LEAST_CENTS: u64 = 50;

/// Many products, copied from one that was listed: listing a million one by one would take hours.
pub(crate) struct Catalogue {
    products: Collection<Document>,
    template: Document,
    pub(crate) ids: Vec<ObjectId>,
}

impl Catalogue {
    /// Copies are of the product `template`.
    pub(crate) async fn of(database_url: &str, template: &str) -> Result<Self> {
        let client = Client::with_uri_str(database_url).await?;
        let database = client.default_database().context("no database's name")?;
        let products = database.collection::<Document>("products");
        let id: ObjectId = template.parse()?;
        let template = products.find_one(doc! {"_id": id}).await?;
        Ok(Self {
            products,
            template: template.context("the product that was listed is not there")?,
            ids: vec![id],
        })
    }

    /// Adds copies until there are `count`.
    pub(crate) async fn grow_to(&mut self, count: u64) -> Result<()> {
        let mut told = Instant::now();
        while self.count() < count {
            let last = (self.count() + BATCH).min(count);
            let copies: Vec<_> = (self.count()..last)
                .map(|number| self.copy(number))
                .collect();
            for copy in &copies {
                self.ids.push(copy.get_object_id("_id")?);
            }
            self.products.insert_many(copies).ordered(false).await?;
            if told.elapsed() >= TELL_EVERY {
                print!("\r  {} of {count} products", self.count());
                std::io::stdout().flush()?;
                told = Instant::now();
            }
        }
        println!("\r  {} products              ", self.count());
        Ok(())
    }

    /// Lowest prices in cents, each of which leaves another page that is full.
    pub(crate) fn lowest_prices(&self) -> Range<u64> {
        LEAST_CENTS..LEAST_CENTS + self.count().min(PRICES) / 2
    }

    /// Any of them.
    pub(crate) fn any(ids: &[ObjectId]) -> ObjectId {
        ids[rand::rng().random_range(0..ids.len())]
    }

    pub(crate) fn count(&self) -> u64 {
        u64::try_from(self.ids.len()).unwrap_or(u64::MAX)
    }

    fn copy(&self, number: u64) -> Document {
        let mut copy = self.template.clone();
        let cents = i64::try_from(LEAST_CENTS + number % PRICES).unwrap_or(i64::MAX);
        copy.insert("_id", ObjectId::new());
        copy.insert("name", format!("Copy {number}"));
        copy.insert("nameFolded", format!("copy {number}"));
        copy.insert("priceCents", cents);
        copy.insert("createdAt", DateTime::now());
        copy
    }
}
