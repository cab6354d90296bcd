use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;

const CHUNK_BYTES: usize = 16 * 1024;

/// A TCP proxy between a process and a backend that can cut, slow down and restore the line.
pub struct FaultProxy {
    address: SocketAddr,
    line: Arc<Line>,
    _running: DropGuard,
}

/// What its connections share.
struct Line {
    host: String,
    port: u16,
    /// Cancelled while the line is cut.
    connected: Mutex<CancellationToken>,
    /// How long each piece of data waits, in microseconds.
    delay: AtomicU64,
}

impl FaultProxy {
    /// Listens on a free port and forwards to the host and port of `target`.
    ///
    /// # Panics
    /// When no port is free or the target names no port.
    pub async fn to(target: &str) -> Self {
        let target = Url::parse(target).expect("a URL");
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("bound");
        let line = Arc::new(Line {
            host: target.host_str().expect("a host").to_owned(),
            port: target.port().expect("a port"),
            connected: Mutex::new(CancellationToken::new()),
            delay: AtomicU64::new(0),
        });
        let running = CancellationToken::new();
        tokio::spawn(accept(listener, Arc::clone(&line), running.clone()));
        Self {
            address,
            line,
            _running: running.drop_guard(),
        }
    }

    /// The URL of the backend, through this proxy. MongoDB is told to stay on it.
    ///
    /// # Panics
    /// When `url` is not one.
    #[must_use]
    pub fn through(&self, url: &str) -> String {
        let mut through = Url::parse(url).expect("a URL");
        through
            .set_port(Some(self.address.port()))
            .expect("a port fits");
        if through.scheme() == "mongodb" {
            through.set_query(Some("directConnection=true"));
        }
        through.to_string()
    }

    /// Ends every connection and refuses new ones.
    ///
    /// # Panics
    /// Never: nothing panics while the line is locked.
    pub fn cut(&self) {
        self.line.connected.lock().expect("not poisoned").cancel();
    }

    /// Makes everything on the line wait so long, in each direction.
    pub fn delay(&self, by: Duration) {
        let micros = u64::try_from(by.as_micros()).unwrap_or(u64::MAX);
        self.line.delay.store(micros, Ordering::Relaxed);
    }

    /// Lets connections through again, at once.
    ///
    /// # Panics
    /// Never: nothing panics while the line is locked.
    pub fn restore(&self) {
        self.delay(Duration::ZERO);
        let mut connected = self.line.connected.lock().expect("not poisoned");
        if connected.is_cancelled() {
            *connected = CancellationToken::new();
        }
    }
}

impl Line {
    fn connected(&self) -> CancellationToken {
        self.connected.lock().expect("not poisoned").clone()
    }

    async fn forward(&self, incoming: TcpStream) -> io::Result<()> {
        let outgoing = TcpStream::connect((self.host.as_str(), self.port)).await?;
        // What is forwarded waits for nothing but the delay that was asked for.
        incoming.set_nodelay(true)?;
        outgoing.set_nodelay(true)?;
        let (from_client, to_client) = incoming.into_split();
        let (from_server, to_server) = outgoing.into_split();
        tokio::try_join!(
            self.pump(from_client, to_server),
            self.pump(from_server, to_client)
        )?;
        Ok(())
    }

    /// Until the sender closes its side.
    async fn pump(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> io::Result<()> {
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            let length = from.read(&mut chunk).await?;
            if length == 0 {
                return to.shutdown().await;
            }
            let delay = Duration::from_micros(self.delay.load(Ordering::Relaxed));
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            to.write_all(&chunk[..length]).await?;
        }
    }
}

async fn accept(listener: TcpListener, line: Arc<Line>, running: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            () = running.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((incoming, _)) = accepted else {
            continue;
        };
        let connected = line.connected();
        if connected.is_cancelled() {
            continue;
        }
        let (line, running) = (Arc::clone(&line), running.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = connected.cancelled() => {}
                () = running.cancelled() => {}
                // A side that went away is what a proxy passes on.
                _ = line.forward(incoming) => {}
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    /// A server that answers each byte with itself, behind a proxy.
    async fn echo() -> FaultProxy {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let target = format!("tcp://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    while let Ok(byte) = stream.read_u8().await {
                        stream.write_u8(byte).await.unwrap();
                    }
                });
            }
        });
        FaultProxy::to(&target).await
    }

    async fn asked(stream: &mut TcpStream) -> io::Result<u8> {
        stream.write_u8(7).await?;
        stream.read_u8().await
    }

    #[tokio::test]
    async fn a_cut_line_is_dead_until_it_is_restored() {
        let proxy = echo().await;
        let mut before = TcpStream::connect(proxy.address).await.unwrap();
        assert_eq!(asked(&mut before).await.unwrap(), 7);
        proxy.cut();
        assert!(asked(&mut before).await.is_err());
        let mut meanwhile = TcpStream::connect(proxy.address).await.unwrap();
        assert!(asked(&mut meanwhile).await.is_err());
        proxy.restore();
        let mut after = TcpStream::connect(proxy.address).await.unwrap();
        assert_eq!(asked(&mut after).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn a_delayed_line_is_slow_in_both_directions() {
        let proxy = echo().await;
        let mut stream = TcpStream::connect(proxy.address).await.unwrap();
        let delay = Duration::from_millis(40);
        proxy.delay(delay);
        let asked_at = Instant::now();
        assert_eq!(asked(&mut stream).await.unwrap(), 7);
        assert!(asked_at.elapsed() >= delay * 2);
        proxy.restore();
        assert_eq!(asked(&mut stream).await.unwrap(), 7);
    }
}
