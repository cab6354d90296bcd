use std::net::SocketAddr;

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::ask::Ask;

const SHOWN_OF_A_REFUSAL: usize = 300;

/// One connection that is kept, over which one request follows the other.
pub(crate) struct Connection {
    host: SocketAddr,
    sender: SendRequest<Full<Bytes>>,
}

impl Connection {
    pub(crate) async fn open(host: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(host).await;
        let stream = stream.with_context(|| format!("cannot connect to {host}"))?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // It ends with the sender, or with the server; the next request tells.
        tokio::spawn(connection);
        Ok(Self { host, sender })
    }

    /// The body of the answer.
    ///
    /// # Errors
    /// When there is none, or another one than expected.
    pub(crate) async fn ask(&mut self, ask: &Ask) -> Result<Bytes> {
        self.sender
            .ready()
            .await
            .context("the connection is gone")?;
        let answer = self.sender.send_request(ask.request(self.host)?).await?;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await?.to_bytes();
        if status != ask.expected {
            let end = body.len().min(SHOWN_OF_A_REFUSAL);
            let text = String::from_utf8_lossy(&body[..end]);
            bail!("{} {} answered {status}: {text}", ask.method, ask.path);
        }
        Ok(body)
    }

    /// The body of the answer as JSON.
    pub(crate) async fn json(&mut self, ask: &Ask) -> Result<serde_json::Value> {
        Ok(serde_json::from_slice(&self.ask(ask).await?)?)
    }
}
