//! The mesh that is measured, as its run file tells of it.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use url::Url;

/// What the rows need to know.
#[derive(Debug)]
pub(crate) struct Mesh {
    pub(crate) gateway: SocketAddr,
    /// Where purchases are paid.
    pub(crate) stripe: SocketAddr,
    /// The database of the products, with its name.
    pub(crate) products_database: String,
    /// The processes of the mesh.
    pub(crate) ours: BTreeMap<String, u32>,
    /// Where they tell of themselves.
    pub(crate) admin: BTreeMap<String, SocketAddr>,
    /// What they stand on.
    pub(crate) beside: BTreeMap<String, u32>,
}

#[derive(Deserialize)]
struct RunFile {
    gateway: String,
    admin: BTreeMap<String, String>,
    stripe: Option<String>,
    mongo: BTreeMap<String, String>,
    processes: BTreeMap<String, u32>,
}

/// They are no part of what is measured.
const STAND_INS: [&str; 3] = ["stripe", "clerk", "mail"];
/// The process of all roles.
const ALL: &str = "all";

impl Mesh {
    pub(crate) fn load(run_file: &Path, beside: &[(String, u32)]) -> Result<Self> {
        let text = fs::read(run_file);
        let text = text.with_context(|| format!("no mesh runs: {}", run_file.display()))?;
        let run: RunFile = serde_json::from_slice(&text).context("the run file")?;
        let Some(stripe) = &run.stripe else {
            bail!("the mesh uses Stripe itself, which must not be measured");
        };
        let products_database = run.mongo.get("products").context("no products database")?;
        let (stand_ins, ours) = run
            .processes
            .into_iter()
            .partition(|(name, _)| STAND_INS.contains(&name.as_str()));
        let mut beside: BTreeMap<_, _> = beside.iter().cloned().collect();
        beside.append(&mut { stand_ins });
        // Where one process is all roles, each of its listeners tells of the whole of it.
        let admin = match (ours.contains_key(ALL), run.admin.get("gateway")) {
            (true, Some(one)) => BTreeMap::from([(ALL.to_owned(), one.clone())]),
            _ => run.admin,
        };
        let admin = admin
            .into_iter()
            .map(|(name, url)| Ok((name, address(&url)?)));
        Ok(Self {
            admin: admin.collect::<Result<_>>()?,
            gateway: address(&run.gateway)?,
            stripe: address(stripe)?,
            products_database: products_database.clone(),
            ours,
            beside,
        })
    }
}

fn address(url: &str) -> Result<SocketAddr> {
    let url = Url::parse(url).with_context(|| url.to_owned())?;
    let mut found = url.socket_addrs(|| None)?.into_iter();
    found
        .next()
        .with_context(|| format!("{url} has no address"))
}

/// Reads `name=pid`.
pub(crate) fn named_pid(text: &str) -> Result<(String, u32)> {
    let (name, pid) = text.split_once('=').context("name=pid is expected")?;
    Ok((
        name.to_owned(),
        pid.parse().context("the pid is no number")?,
    ))
}
