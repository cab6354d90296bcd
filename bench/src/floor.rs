//! Servers that do almost nothing, on the same libraries: no mesh can cost less.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Stdio;

use anyhow::{Context as _, Result};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use bson::oid::ObjectId;
use bson::{Document, doc};
use mongodb::{Client, Collection};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

/// A server that does almost nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    /// axum, and a word.
    Hello,
    /// axum, and one product out of MongoDB.
    FindOne,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Hello => "hello",
            Self::FindOne => "find-one",
        }
    }
}

/// Serves until it is killed; says first where.
pub(crate) async fn serve(kind: Kind, database: Option<String>) -> Result<()> {
    let router = match kind {
        Kind::Hello => Router::new().route("/hello", get(async || "hello")),
        Kind::FindOne => {
            let client = Client::with_uri_str(database.context("--database is missing")?).await?;
            let database = client.default_database().context("no database's name")?;
            Router::new()
                .route("/products/{id}", get(find_one))
                .with_state(database.collection::<Document>("products"))
        }
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    println!("{}", listener.local_addr()?);
    Ok(axum::serve(listener, router).await?)
}

async fn find_one(
    State(products): State<Collection<Document>>,
    Path(id): Path<String>,
) -> Result<Json<Document>, StatusCode> {
    let id: ObjectId = id.parse().map_err(|_| StatusCode::NOT_FOUND)?;
    let found = products.find_one(doc! {"_id": id}).await;
    let found = found.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    found.map(Json).ok_or(StatusCode::NOT_FOUND)
}

/// A floor as a process of its own, so that its processor time can be told from ours.
pub(crate) struct Floor {
    pub(crate) address: SocketAddr,
    pub(crate) pid: u32,
    _process: Child,
}

impl Floor {
    pub(crate) async fn start(kind: Kind, database: &str) -> Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(["floor", kind.word()])
            .env("FLOOR_DATABASE_URL", database)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let output = process.stdout.take().context("the floor says nothing")?;
        let line = BufReader::new(output).lines().next_line().await?;
        let address = line.context("the floor did not start")?.parse()?;
        Ok(Self {
            address,
            pid: process.id().context("the floor has ended")?,
            _process: process,
        })
    }
}
