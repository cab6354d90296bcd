use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use lettre::message::{Mailbox, MultiPart};
use lettre::{AsyncFileTransport, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use reen_chassis::telemetry::trace;
use reen_error::{Code, Failure};
use secrecy::{ExposeSecret, SecretString};

use super::{Letter, Mailer};

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
        Ok(Self {
            from: settings.from,
            transport,
        })
    }

    async fn hand_over(&self, message: Message) -> Result<(), Failure> {
        let sent = match &self.transport {
            Transport::Smtp(smtp) => smtp
                .send(message)
                .await
                .map(drop)
                .map_err(|error| error.to_string()),
            Transport::Folder(folder) => folder
                .send(message)
                .await
                .map(drop)
                .map_err(|error| error.to_string()),
        };
        sent.map_err(|why| Failure::new(Code::Unavailable, format!("the post failed: {why}")))
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

#[async_trait]
impl Mailer for Post {
    async fn send(
        &self,
        id: &str,
        name: &str,
        address: &str,
        letter: Letter,
    ) -> Result<(), Failure> {
        let Ok(email) = address.parse() else {
            // Nobody can be told at such an address, however often it is tried.
            tracing::error!(letter = id, "the address cannot be written to");
            return Ok(());
        };
        let message = self.message(id, Mailbox::new(Some(name.to_owned()), email), &letter)?;
        trace::outgoing("post", "send letter", self.hand_over(message)).await
    }
}
