//! One row after the other.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;

use crate::Options;
use crate::allocations;
use crate::ask::{Ask, Asks};
use crate::catalogue::Catalogue;
use crate::floor::{Floor, Kind};
use crate::load::{self, Measured};
use crate::mesh::Mesh;
use crate::people::Crowd;
use crate::purchase;
use crate::report::{Line, Table};
use crate::rows::{self, LINES_OF_A_CART, Row};
use crate::usage::{Usage, memory};

const WARM_UP: Duration = Duration::from_secs(1);
const BUYERS: u16 = 64;
const PRODUCTS: u16 = 20;
const PURCHASES: &str = "whole purchase";

/// Everything that `options` ask for.
pub(crate) async fn all(mesh: &Mesh, options: &Options) -> Result<Table> {
    println!("  gathering {BUYERS} buyers");
    let crowd =
        Arc::new(Crowd::gather(mesh.gateway, BUYERS.max(options.connections), PRODUCTS).await?);
    crowd.fill_carts(mesh.gateway, LINES_OF_A_CART).await?;
    let mut catalogue = Catalogue::of(&mesh.products_database, crowd.product(0)).await?;
    let mut bench = Bench {
        options,
        table: Table::default(),
    };
    bench.floors(mesh, crowd.product(0)).await?;
    for count in &options.products {
        catalogue.grow_to(*count).await?;
        for row in rows::reads(&crowd, &catalogue) {
            bench
                .row(&Place::mesh(mesh), row, catalogue.count())
                .await?;
        }
    }
    for row in rows::own(&crowd) {
        bench
            .row(&Place::mesh(mesh), row, catalogue.count())
            .await?;
    }
    bench.purchases(mesh, &crowd, catalogue.count()).await?;
    Ok(bench.table)
}

/// What is asked, and whose processor time counts.
struct Place {
    host: SocketAddr,
    ours: BTreeMap<String, u32>,
    beside: BTreeMap<String, u32>,
    admin: BTreeMap<String, SocketAddr>,
}

/// What was used until a moment.
struct Until {
    allocations: Usage,
    ours: Usage,
    beside: Usage,
}

impl Place {
    fn mesh(mesh: &Mesh) -> Self {
        Self {
            host: mesh.gateway,
            ours: mesh.ours.clone(),
            beside: mesh.beside.clone(),
            admin: mesh.admin.clone(),
        }
    }

    fn floor(floor: &Floor) -> Self {
        Self {
            host: floor.address,
            ours: BTreeMap::from([("floor".to_owned(), floor.pid)]),
            beside: BTreeMap::new(),
            admin: BTreeMap::new(),
        }
    }

    /// Allocations are asked for first, and last in [`Self::line`]: the processor time that it takes to tell them
    /// is not measured.
    async fn until_now(&self) -> Result<Until> {
        Ok(Until {
            allocations: allocations::so_far(&self.admin).await?,
            ours: Usage::of(&self.ours)?,
            beside: Usage::of(&self.beside)?,
        })
    }

    /// What it cost since then, and what was waited meanwhile.
    async fn line(
        &self,
        name: &str,
        products: u64,
        before: &Until,
        busy: &Measured,
    ) -> Result<Line> {
        let ours = Usage::of(&self.ours)?.since(&before.ours);
        let beside = Usage::of(&self.beside)?.since(&before.beside);
        let bytes: Result<Vec<u64>> = self.ours.values().map(|pid| memory(*pid)).collect();
        let allocations = allocations::so_far(&self.admin).await?;
        let allocations = allocations.since(&before.allocations);
        let line = Line::new(name, products, busy, ours, beside);
        Ok(line
            .with_memory(bytes?.iter().sum())
            .with_allocations(&allocations))
    }
}

struct Bench<'a> {
    options: &'a Options,
    table: Table,
}

impl Bench<'_> {
    async fn floors(&mut self, mesh: &Mesh, product: &str) -> Result<()> {
        let product = format!("/products/{product}");
        let hello: Asks = Arc::new(|_| Ask::get("/hello"));
        let find_one: Asks = Arc::new(move |_| Ask::get(product.as_str()));
        for (kind, name, asks) in [
            (Kind::Hello, "floor: axum", hello),
            (Kind::FindOne, "floor: axum and find_one", find_one),
        ] {
            if self.options.wants(name) {
                let floor = Floor::start(kind, &mesh.products_database).await?;
                self.row(&Place::floor(&floor), Row { name, asks }, 0)
                    .await?;
            }
        }
        Ok(())
    }

    /// A closed loop for the cost, an open one at half its rate for the waiting.
    async fn row(&mut self, place: &Place, row: Row, products: u64) -> Result<()> {
        let Row { name, asks } = row;
        if !self.options.wants(name) {
            return Ok(());
        }
        println!("  {name}");
        let (connections, duration) = (self.options.connections, self.options.duration());
        load::closed(place.host, &asks, connections, WARM_UP).await?;
        let before = place.until_now().await?;
        let busy = load::closed(place.host, &asks, connections, duration).await?;
        let line = place.line(name, products, &before, &busy).await?;
        let rate = busy.rate() / 2;
        let calm = load::open(place.host, &asks, connections, rate, duration).await?;
        self.table.lines.push(line.with_waits(&calm));
        Ok(())
    }

    /// Its steps wait for one another: what a buyer waits is what the closed loop says.
    async fn purchases(&mut self, mesh: &Mesh, crowd: &Arc<Crowd>, products: u64) -> Result<()> {
        if !self.options.wants(PURCHASES) {
            return Ok(());
        }
        println!("  {PURCHASES}");
        let place = Place::mesh(mesh);
        let (buyers, duration) = (self.options.connections, self.options.duration());
        purchase::closed(mesh, crowd, buyers, WARM_UP).await?;
        let before = place.until_now().await?;
        let busy = purchase::closed(mesh, crowd, buyers, duration).await?;
        let line = place.line(PURCHASES, products, &before, &busy).await?;
        self.table.lines.push(line.with_waits(&busy));
        Ok(())
    }
}
