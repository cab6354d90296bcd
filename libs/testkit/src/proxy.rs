use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;

/// A TCP proxy between a process and a backend that can cut and restore the line.
pub struct FaultProxy {
    address: SocketAddr,
    line: Arc<Mutex<CancellationToken>>,
    _running: DropGuard,
}

impl FaultProxy {
    /// Listens on a free port and forwards to the host and port of `target`.
    ///
    /// # Panics
    /// When no port is free or the target names no port.
    pub async fn to(target: &str) -> Self {
        let target = Url::parse(target).expect("a URL");
        let host = target.host_str().expect("a host").to_owned();
        let port = target.port().expect("a port");
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("bound");
        let line = Arc::new(Mutex::new(CancellationToken::new()));
        let running = CancellationToken::new();
        tokio::spawn(forward(
            listener,
            host,
            port,
            Arc::clone(&line),
            running.clone(),
        ));
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
        self.line.lock().expect("not poisoned").cancel();
    }

    /// Lets connections through again.
    ///
    /// # Panics
    /// Never: nothing panics while the line is locked.
    pub fn restore(&self) {
        *self.line.lock().expect("not poisoned") = CancellationToken::new();
    }
}

async fn forward(
    listener: TcpListener,
    host: String,
    port: u16,
    line: Arc<Mutex<CancellationToken>>,
    running: CancellationToken,
) {
    loop {
        let accepted = tokio::select! {
            () = running.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((mut incoming, _)) = accepted else {
            continue;
        };
        let line = line.lock().expect("not poisoned").clone();
        if line.is_cancelled() {
            continue;
        }
        let (host, running) = (host.clone(), running.clone());
        tokio::spawn(async move {
            let Ok(mut outgoing) = TcpStream::connect((host.as_str(), port)).await else {
                return;
            };
            tokio::select! {
                () = line.cancelled() => {}
                () = running.cancelled() => {}
                _ = copy_bidirectional(&mut incoming, &mut outgoing) => {}
            }
        });
    }
}
