use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What every client says first (RFC 9113, section 3.4).
const PREFACE: usize = 24;
const HEADER: usize = 9;
const HEADERS: u8 = 1;

/// Hands on every connection to `upstream`, and counts the calls that are made: a call begins with one
/// frame of headers.
pub(crate) async fn count_calls(
    listener: TcpListener,
    upstream: SocketAddr,
    calls: Arc<AtomicUsize>,
) {
    while let Ok((client, _)) = listener.accept().await {
        tokio::spawn(hand_on(client, upstream, calls.clone()));
    }
}

async fn hand_on(
    client: TcpStream,
    upstream: SocketAddr,
    calls: Arc<AtomicUsize>,
) -> std::io::Result<()> {
    let server = TcpStream::connect(upstream).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut asked, mut answers_to) = client.into_split();
    let (mut answers, mut asks) = server.into_split();
    let back = tokio::spawn(async move {
        let copied = tokio::io::copy(&mut answers, &mut answers_to).await;
        answers_to.shutdown().await.and(copied)
    });
    let mut frames = Frames::default();
    let mut bytes = vec![0; 16 * 1024];
    loop {
        let read = asked.read(&mut bytes).await?;
        if read == 0 {
            break;
        }
        let begun = bytes[..read]
            .iter()
            .filter(|byte| frames.begins_call(**byte));
        calls.fetch_add(begun.count(), Ordering::SeqCst);
        asks.write_all(&bytes[..read]).await?;
    }
    asks.shutdown().await?;
    back.await.map_err(std::io::Error::other)?.map(drop)
}

/// Where in the stream of frames a connection is.
#[derive(Default)]
struct Frames {
    before: usize,
    header: Vec<u8>,
    payload_left: usize,
}

impl Frames {
    /// Takes the next byte; whether it completes the head of a frame of headers.
    fn begins_call(&mut self, byte: u8) -> bool {
        if self.before < PREFACE {
            self.before += 1;
            return false;
        }
        if self.payload_left > 0 {
            self.payload_left -= 1;
            return false;
        }
        self.header.push(byte);
        if self.header.len() < HEADER {
            return false;
        }
        let length = [0, self.header[0], self.header[1], self.header[2]];
        self.payload_left = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        let kind = self.header[3];
        self.header.clear();
        kind == HEADERS
    }
}
