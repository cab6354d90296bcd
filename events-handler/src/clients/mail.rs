use std::error::Error as _;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp;
use lettre::{AsyncFileTransport, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use reen_chassis::telemetry::trace;
use reen_error::{Code, Failure};
use secrecy::{ExposeSecret, SecretString};

use super::{Letter, Mailer, Unsent};

const SMTP_TIMEOUT: Duration = Duration::from_secs(10);

/// Where letters go.
#[derive(Clone, Debug)]
pub struct MailSettings {
    /// `MAIL_FROM`.
    pub from: Mailbox,
    /// `SMTP_URL`; may hold a password.
    pub smtp_url: Option<SecretString>,
    /// `MAIL_DIR`: where letters are kept as files when no SMTP is set.
    pub folder: PathBuf,
}

/// Letters by SMTP, or into a folder.
pub(crate) struct Post {
    from: Mailbox,
    transport: Transport,
}

enum Transport {
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    Folder(AsyncFileTransport<Tokio1Executor>),
}

/// What became of a letter that is not tried again.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Sent,
    /// There is no such mailbox.
    Undeliverable,
}

/// Why the post cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// The SMTP URL is not one.
    #[error("SMTP_URL cannot be used")]
    Smtp(#[from] lettre::transport::smtp::Error),
    /// The folder cannot be made.
    #[error("MAIL_DIR {folder} cannot be made")]
    Folder {
        /// Which one.
        folder: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl Post {
    pub(crate) fn open(settings: MailSettings) -> Result<Self, PostError> {
        let transport = match &settings.smtp_url {
            Some(url) => {
                let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose_secret())?;
                Transport::Smtp(builder.timeout(Some(SMTP_TIMEOUT)).build())
            }
            None => {
                std::fs::create_dir_all(&settings.folder).map_err(|source| PostError::Folder {
                    folder: settings.folder.clone(),
                    source,
                })?;
                Transport::Folder(AsyncFileTransport::new(&settings.folder))
            }
        };
        measures::describe();
        Ok(Self {
            from: settings.from,
            transport,
        })
    }

    async fn try_to_send(
        &self,
        id: &str,
        name: &str,
        address: &str,
        letter: &Letter,
    ) -> Result<Fate, Unsent> {
        let Ok(email) = address.parse() else {
            return Ok(Fate::Undeliverable);
        };
        let to = Mailbox::new(Some(name.to_owned()), email);
        let message = self.message(id, to, letter).map_err(Unsent::Refused)?;
        trace::outgoing("post", "send letter", self.hand_over(message)).await
    }
    async fn hand_over(&self, message: Message) -> Result<Fate, Unsent> {
        match &self.transport {
            Transport::Smtp(smtp) => match smtp.send(message).await {
                Ok(_) => Ok(Fate::Sent),
                Err(error) if is_no_mailbox(&error) => Ok(Fate::Undeliverable),
                Err(error) => Err(unsent(&error)),
            },
            Transport::Folder(folder) => match folder.send(message).await {
                Ok(_) => Ok(Fate::Sent),
                Err(error) => Err(Unsent::Away(failed(error))),
            },
        }
    }

    fn message(&self, id: &str, to: Mailbox, letter: &Letter) -> Result<Message, Failure> {
        let unfit = |error: &dyn std::fmt::Display| {
            Failure::new(
                Code::Internal,
                format!("the letter cannot be written: {error}"),
            )
        };
        let name = to.name.clone().unwrap_or_default();
        let rendered = letter.render(&name).map_err(|error| unfit(&error))?;
        let domain = self.from.email.domain();
        Message::builder()
            .message_id(Some(format!("<{id}@{domain}>")))
            .from(self.from.clone())
            .to(to)
            .subject(letter.subject())
            .multipart(MultiPart::alternative_plain_html(
                rendered.text,
                rendered.html,
            ))
            .map_err(|error| unfit(&error))
    }
}

/// Of a server's answer its code alone is kept: its words repeat the address.
fn unsent(error: &smtp::Error) -> Unsent {
    match error.status() {
        Some(code) => Unsent::Refused(failed(format_args!("it answered {code}"))),
        None if error.is_response() => Unsent::Away(failed("its answer is no SMTP")),
        None => Unsent::Away(failed(error)),
    }
}

/// Whether the server will never take a letter to this mailbox. What begins with 5.7 (RFC 3463) is about who
/// sends or what is said: somebody can mend that.
fn is_no_mailbox(error: &smtp::Error) -> bool {
    let code = error.status().map(u16::from);
    let words = error.source().map(ToString::to_string).unwrap_or_default();
    matches!(code, Some(550 | 551 | 553)) && !words.starts_with("5.7.")
}

fn failed(why: impl std::fmt::Display) -> Failure {
    Failure::new(Code::Unavailable, format!("the post failed: {why}"))
}

#[async_trait]
impl Mailer for Post {
    async fn send(
        &self,
        id: &str,
        name: &str,
        address: &str,
        letter: &Letter,
    ) -> Result<(), Unsent> {
        let sent = self.try_to_send(id, name, address, letter).await;
        // Nobody can be told at such an address, however often it is tried.
        if let Ok(Fate::Undeliverable) = sent {
            tracing::error!(letter = id, "the address cannot be written to");
        }
        measures::tried(&sent);
        sent.map(drop)
    }
}

/// What is told of letters on `/metrics`.
mod measures {
    use metrics::counter;

    use super::{Fate, Unsent};

    const LETTERS: &str = "reen_letters_total";

    pub(super) fn describe() {
        metrics::describe_counter!(
            LETTERS,
            "Letters that were handed over: sent, failed (again later), undeliverable (no such mailbox)."
        );
        for outcome in ["sent", "failed", "undeliverable"] {
            counter!(LETTERS, "outcome" => outcome).absolute(0);
        }
    }

    pub(super) fn tried(sent: &Result<Fate, Unsent>) {
        let outcome = match sent {
            Ok(Fate::Sent) => "sent",
            Ok(Fate::Undeliverable) => "undeliverable",
            Err(_) => "failed",
        };
        counter!(LETTERS, "outcome" => outcome).increment(1);
    }
}
