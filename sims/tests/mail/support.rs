//! What the tests of the mail stand-in share.

use std::net::SocketAddr;
use std::time::Duration;

use reen_sims::mail::{Config, MailSim, Office};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufStream};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

pub(crate) const FROM: &str = "no-reply@reen.example";
pub(crate) const BUYER: &str = "buyer@reen.example";
pub(crate) const SELLER: &str = "seller@reen.example";

const PATIENCE: Duration = Duration::from_secs(20);

/// A stand-in that runs in this process.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) smtp_url: String,
    pub(crate) office: Office,
    server: JoinHandle<()>,
    stop: DropGuard,
}

impl Running {
    pub(crate) async fn start() -> Self {
        Self::start_with(Config::in_process()).await
    }

    pub(crate) async fn start_with(config: Config) -> Self {
        let sim = MailSim::build(config).await.unwrap();
        let stop = CancellationToken::new();
        Self {
            address: sim.address(),
            smtp_url: sim.smtp_url(),
            office: sim.office(),
            server: tokio::spawn(sim.run(stop.clone())),
            stop: stop.drop_guard(),
        }
    }

    pub(crate) async fn stop(self) {
        drop(self.stop);
        in_time(self.server).await.unwrap();
    }

    /// A connection that was greeted.
    pub(crate) async fn connect(&self) -> Talk {
        let mut talk = Talk::to(self.address).await;
        talk.expect(220).await;
        talk
    }

    /// A connection that has said hello.
    pub(crate) async fn greet(&self) -> Talk {
        let mut talk = self.connect().await;
        talk.say("EHLO test.example", 250).await;
        talk
    }
}

/// One connection, spoken over by hand.
pub(crate) struct Talk(BufStream<TcpStream>);

impl Talk {
    pub(crate) async fn to(address: SocketAddr) -> Self {
        Self(BufStream::new(TcpStream::connect(address).await.unwrap()))
    }

    /// Sends these bytes and no more.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
        self.0.flush().await.unwrap();
    }

    /// Says a line and answers the lines of the reply, which has to have this code.
    pub(crate) async fn say(&mut self, line: &str, code: u16) -> Vec<String> {
        self.send(format!("{line}\r\n")).await;
        let reply = self.hear().await;
        assert!(is_code(&reply, code), "{line:?}: {reply:?}");
        reply
    }

    pub(crate) async fn expect(&mut self, code: u16) {
        let reply = self.hear().await;
        assert!(is_code(&reply, code), "{code}: {reply:?}");
    }

    /// The code of the next reply.
    pub(crate) async fn code(&mut self) -> String {
        let reply = self.hear().await;
        reply[0][..3].to_owned()
    }

    /// From and to whom, and that the letter follows.
    pub(crate) async fn begin_letter(&mut self, to: &str) {
        self.say(&format!("MAIL FROM:<{FROM}>"), 250).await;
        self.say(&format!("RCPT TO:<{to}>"), 250).await;
        self.say("DATA", 354).await;
    }

    /// The server has ended the connection, and said nothing more.
    pub(crate) async fn assert_ended(&mut self) {
        let mut rest = Vec::new();
        in_time(self.0.read_to_end(&mut rest)).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&rest), "");
    }

    async fn hear(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let line = in_time(self.line()).await;
            let is_last = line.as_bytes().get(3) == Some(&b' ');
            lines.push(line);
            if is_last {
                return lines;
            }
        }
    }

    async fn line(&mut self) -> String {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            line.push(self.0.read_u8().await.unwrap());
        }
        String::from_utf8(line).unwrap().trim_end().to_owned()
    }
}

fn is_code(reply: &[String], code: u16) -> bool {
    let code = code.to_string();
    reply.iter().all(|line| line.starts_with(&code))
}

/// Whatever this waits for is a matter of milliseconds.
pub(crate) async fn in_time<T>(reached: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, reached).await.unwrap()
}
