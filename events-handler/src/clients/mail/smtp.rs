use std::error::Error as _;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use lettre::transport::smtp::response::Response;
use lettre::transport::smtp::{Error as SmtpError, PoolConfig, SmtpTransport};
use lettre::{Address, Message, Transport as _};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;
use tokio::time::timeout_at;

use super::line::Line;
use super::{Fate, failed, in_a_thread};
use crate::clients::Unsent;

/// For each answer of the server.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// For a whole letter: several fit into the lease of a saga.
const LETTER_TIMEOUT: Duration = Duration::from_secs(20);
/// Threads that wait for the server, with a connection each.
const MOST_AT_ONCE: u32 = 16;

/// Letters by SMTP, each in time.
///
/// The client of `lettre` for the runtime has no time limit once it is connected, and takes a connection that was
/// left in the middle of a letter for a good one. The one for threads has both right, and so threads wait here.
pub(super) struct Smtp {
    transport: SmtpTransport,
    line: Line,
    places: Arc<Semaphore>,
}

impl Smtp {
    pub(super) fn open(url: &SecretString) -> Result<Self, SmtpError> {
        let pool = PoolConfig::new().max_size(MOST_AT_ONCE);
        let builder = SmtpTransport::from_url(url.expose_secret())?;
        let builder = builder.timeout(Some(ANSWER_TIMEOUT)).pool_config(pool);
        Ok(Self {
            transport: builder.build(),
            line: Line::default(),
            places: Arc::new(Semaphore::new(MOST_AT_ONCE as usize)),
        })
    }

    pub(super) async fn send(&self, message: Message) -> Result<Fate, Unsent> {
        let mut to = message.envelope().to().iter();
        let has_other_letters = to.any(|address: &Address| !address.user().is_ascii());
        match self.hand_over(message).await? {
            Ok(_) => Ok(Fate::Sent),
            Err(error) if is_no_mailbox(&error) => Ok(Fate::Undeliverable),
            // Only mail servers of a later kind (SMTPUTF8) write to such addresses.
            Err(error) if error.is_client() && has_other_letters => Ok(Fate::Undeliverable),
            Err(error) => Err(unsent(&error)),
        }
    }

    /// What the server says, unless it is too slow.
    async fn hand_over(&self, message: Message) -> Result<Result<Response, SmtpError>, Unsent> {
        let late = tokio::time::Instant::now() + LETTER_TIMEOUT;
        let place = Arc::clone(&self.places).acquire_owned();
        let Ok(place) = timeout_at(late, place).await else {
            return Err(Unsent::Away(failed("too many letters wait")));
        };
        let since = Instant::now();
        if !self.line.may_try(since, LETTER_TIMEOUT) {
            return Err(Unsent::Away(failed("the mail server is silent")));
        }
        let transport = self.transport.clone();
        let said = in_a_thread(move || {
            // The thread keeps its place even when nobody waits for it any more.
            let _place = place;
            transport.send(&message)
        });
        let said = timeout_at(late, said).await;
        match said.is_ok() && since.elapsed() < ANSWER_TIMEOUT {
            true => self.line.answered(),
            false => self.line.was_silent(Instant::now()),
        }
        said.unwrap_or_else(|_| Err(Unsent::Away(failed("the mail server is too slow"))))
    }
}

impl Drop for Smtp {
    /// Taking leave of the server waits for what it says.
    fn drop(&mut self) {
        let transport = self.transport.clone();
        let _leaving = thread::Builder::new().spawn(move || transport.shutdown());
    }
}

/// Of a server's answer its code alone is kept: its words repeat the address.
fn unsent(error: &SmtpError) -> Unsent {
    match error.status() {
        Some(code) => Unsent::Refused(failed(format_args!("it answered {code}"))),
        None if error.is_response() => Unsent::Away(failed("its answer is no SMTP")),
        None => Unsent::Away(failed(error)),
    }
}

/// Whether the server will never take a letter to this mailbox. What begins with 5.7 (RFC 3463) is about who
/// sends or what is said: somebody can mend that.
fn is_no_mailbox(error: &SmtpError) -> bool {
    let code = error.status().map(u16::from);
    let words = error.source().map(ToString::to_string).unwrap_or_default();
    matches!(code, Some(550 | 551 | 553)) && !words.starts_with("5.7.")
}
