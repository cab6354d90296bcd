mod line;
mod smtp;

use std::path::PathBuf;

use async_trait::async_trait;
use lettre::address::AddressError;
use lettre::message::{Mailbox, MultiPart};
use lettre::{Address, FileTransport, Message, Transport as _};
use reen_chassis::telemetry::trace;
use reen_error::{Code, Failure};
use secrecy::SecretString;
use url::Host;

use smtp::Smtp;

use super::{Letter, Mailer, Unsent};

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
    outlet: Outlet,
}

enum Outlet {
    Smtp(Smtp),
    Folder(FileTransport),
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
        let outlet = match &settings.smtp_url {
            Some(url) => Outlet::Smtp(Smtp::open(url)?),
            None => {
                std::fs::create_dir_all(&settings.folder).map_err(|source| PostError::Folder {
                    folder: settings.folder.clone(),
                    source,
                })?;
                Outlet::Folder(FileTransport::new(&settings.folder))
            }
        };
        measures::describe();
        Ok(Self {
            from: settings.from,
            outlet,
        })
    }

    async fn try_to_send(
        &self,
        id: &str,
        name: &str,
        address: &str,
        letter: &Letter,
    ) -> Result<Fate, Unsent> {
        let Ok(email) = address.parse().and_then(in_ascii) else {
            return Ok(Fate::Undeliverable);
        };
        let to = Mailbox::new(Some(name.to_owned()), email);
        let message = self.message(id, to, letter).map_err(Unsent::Refused)?;
        trace::outgoing("post", "send letter", self.hand_over(message)).await
    }

    async fn hand_over(&self, message: Message) -> Result<Fate, Unsent> {
        match &self.outlet {
            Outlet::Smtp(smtp) => smtp.send(message).await,
            Outlet::Folder(folder) => {
                let folder = folder.clone();
                let written = in_a_thread(move || folder.send(&message)).await?;
                written.map_err(|error| Unsent::Away(failed(error)))?;
                Ok(Fate::Sent)
            }
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

/// The same address with its domain as every mail server knows it (RFC 5891).
fn in_ascii(address: Address) -> Result<Address, AddressError> {
    match Host::parse(address.domain()) {
        Ok(Host::Domain(domain)) if !address.domain().is_ascii() => {
            Address::new(address.user(), domain)
        }
        _ => Ok(address),
    }
}

/// For work that waits for the mail server or a disk.
async fn in_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Unsent> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|ended| Unsent::Away(failed(ended)))
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
