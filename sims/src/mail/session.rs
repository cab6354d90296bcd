use std::borrow::Cow;
use std::io;

use smtp_proto::{
    Error as Unparsable, MAIL_BODY_7BIT, MAIL_BODY_8BITMIME, MAIL_SMTPUTF8, MailFrom, RcptTo,
    Request,
};
use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio_util::sync::CancellationToken;

use super::fault::Fault;
use super::letter::Letter;
use super::lines::{Line, next_line};
use super::office::{Handed, Office};
use super::replies;

/// One sender's connection.
pub(super) struct Session {
    reader: BufReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
    office: Office,
    shutdown: CancellationToken,
    has_said_hello: bool,
    envelope: Option<Envelope>,
}

/// From whom and to whom the next letter is.
struct Envelope {
    from: String,
    to: Vec<String>,
    /// Whether addresses may have more than ASCII.
    is_utf8: bool,
}

/// What was heard while waiting for a line.
enum Heard {
    Line(Line),
    Silence,
    Shutdown,
}

/// Whether the connection goes on.
enum Then {
    GoOn,
    Close,
}

/// What was read of a letter, up to its end.
enum Read {
    Whole(Vec<u8>),
    /// It broke a limit, and this is the answer.
    Refused(&'static str),
    /// It never ended; this is the answer, if somebody may be there to hear it.
    Cut(Option<&'static str>),
}

/// What a sender may say of its letter; the parser knows more than is offered.
const OFFERED: u64 = MAIL_BODY_7BIT | MAIL_BODY_8BITMIME | MAIL_SMTPUTF8;

type Answer = Cow<'static, str>;

impl Session {
    pub(super) fn new(stream: TcpStream, office: Office, shutdown: CancellationToken) -> Self {
        // Answers are small: without this each would wait for the sender's delayed acknowledgement.
        stream.set_nodelay(true).ok();
        let (reader, writer) = stream.into_split();
        Self {
            reader: BufReader::new(reader),
            writer,
            office,
            shutdown,
            has_said_hello: false,
            envelope: None,
        }
    }

    /// Talks until the sender leaves, is silent for too long, or the stand-in stops.
    pub(super) async fn run(mut self) -> io::Result<()> {
        self.say(replies::GREETING).await?;
        loop {
            let then = match self.listen(false).await? {
                Heard::Line(Line::Whole(line)) => self.obey(line).await?,
                Heard::Line(Line::TooLong) => {
                    self.say(replies::LINE_TOO_LONG).await?;
                    Then::GoOn
                }
                Heard::Line(Line::Gone) => Then::Close,
                Heard::Silence => return self.say(replies::IDLE).await,
                Heard::Shutdown => return self.say(replies::STOPPING).await,
            };
            if matches!(then, Then::Close) {
                return Ok(());
            }
        }
    }

    async fn say(&mut self, answer: &str) -> io::Result<()> {
        let said = self.writer.write_all(answer.as_bytes());
        tokio::time::timeout(self.office.limits().idle, said).await?
    }

    /// The next line. A letter that has begun may end after a shutdown: the server's grace cuts it off.
    async fn listen(&mut self, is_in_letter: bool) -> io::Result<Heard> {
        let limits = self.office.limits();
        let line = next_line(&mut self.reader, limits.line);
        let stopping = async {
            self.shutdown.cancelled().await;
            if is_in_letter {
                std::future::pending().await
            }
        };
        tokio::select! {
            line = tokio::time::timeout(limits.idle, line) => match line {
                Ok(line) => line.map(Heard::Line),
                Err(_) => Ok(Heard::Silence),
            },
            () = stopping => Ok(Heard::Shutdown),
        }
    }

    async fn obey(&mut self, mut line: Vec<u8>) -> io::Result<Then> {
        line.extend_from_slice(b"\r\n");
        let answer = match Request::parse(&mut line.iter()) {
            Ok(Request::Quit) => {
                self.say(replies::GOODBYE).await?;
                return Ok(Then::Close);
            }
            Ok(Request::Data) => return self.take_letter().await,
            Ok(request) => self.answer(request, &line),
            Err(unparsable) => refusal(&unparsable),
        };
        self.say(&answer).await?;
        Ok(Then::GoOn)
    }

    fn answer(&mut self, request: Request<Cow<'_, str>>, line: &[u8]) -> Answer {
        match request {
            Request::Ehlo { .. } => {
                self.greet();
                replies::extensions(self.office.limits()).into()
            }
            Request::Helo { .. } => {
                self.greet();
                replies::HELLO.into()
            }
            Request::Mail { from } => self.begin(from),
            Request::Rcpt { to } => self.address_to(to, line),
            Request::Rset => {
                self.envelope = None;
                replies::DONE.into()
            }
            Request::Noop { .. } => replies::DONE.into(),
            Request::Vrfy { .. } => replies::CANNOT_VERIFY.into(),
            _ => replies::NOT_IMPLEMENTED.into(),
        }
    }

    fn greet(&mut self) {
        self.has_said_hello = true;
        self.envelope = None;
    }

    fn begin(&mut self, from: MailFrom<Cow<'_, str>>) -> Answer {
        let is_utf8 = from.flags & MAIL_SMTPUTF8 != 0;
        if !self.has_said_hello {
            return replies::HELLO_FIRST.into();
        }
        if self.envelope.is_some() {
            return replies::SENDER_TWICE.into();
        }
        let is_refused = is_utf8 && !self.office.limits().other_letters;
        if is_refused || from.flags & !OFFERED != 0 {
            return replies::UNKNOWN_PARAMETER.into();
        }
        if from.size > self.office.limits().letter {
            return replies::TOO_LARGE.into();
        }
        if !is_utf8 && !from.address.is_ascii() {
            return replies::NEEDS_UTF8.into();
        }
        self.envelope = Some(Envelope {
            from: from.address.into_owned(),
            to: Vec::new(),
            is_utf8,
        });
        replies::DONE.into()
    }

    fn address_to(&mut self, to: RcptTo<Cow<'_, str>>, line: &[u8]) -> Answer {
        let Some(envelope) = &mut self.envelope else {
            return replies::SENDER_FIRST.into();
        };
        if to.flags != 0 {
            return replies::UNKNOWN_PARAMETER.into();
        }
        let Some(address) = recipient(to.address, line) else {
            return replies::malformed("a recipient needs an address").into();
        };
        if envelope.to.len() >= self.office.limits().recipients {
            return replies::TOO_MANY_RECIPIENTS.into();
        }
        if !envelope.is_utf8 && !address.is_ascii() {
            return replies::NEEDS_UTF8.into();
        }
        match self.office.refusal_of(&address) {
            Some(Fault::NotTrusted) => return replies::NOT_TRUSTED.into(),
            Some(_) => return replies::no_such_mailbox(&address).into(),
            None => {}
        }
        envelope.to.push(address);
        replies::DONE.into()
    }

    async fn take_letter(&mut self) -> io::Result<Then> {
        let Some(envelope) = self.envelope.take_if(|envelope| !envelope.to.is_empty()) else {
            let missing = match &self.envelope {
                Some(_) => replies::RECIPIENT_FIRST,
                None => replies::SENDER_FIRST,
            };
            self.say(missing).await?;
            return Ok(Then::GoOn);
        };
        self.say(replies::GO_AHEAD).await?;
        self.acknowledge_at_once();
        let answer = match self.read_letter().await? {
            Read::Whole(bytes) => match self.hand_over(envelope, bytes).await {
                Handed::Over => replies::DONE,
                Handed::Back => replies::NOT_NOW,
                Handed::OverInSilence => return Ok(Then::Close),
            },
            Read::Refused(answer) => answer,
            Read::Cut(answer) => {
                self.say(answer.unwrap_or_default()).await?;
                return Ok(Then::Close);
            }
        };
        self.say(answer).await?;
        Ok(Then::GoOn)
    }

    /// Senders write the end of a letter apart from it, and their systems hold it back until the letter itself is
    /// acknowledged, for which Linux would take 40 ms.
    fn acknowledge_at_once(&self) {
        #[cfg(target_os = "linux")]
        self.reader.get_ref().as_ref().set_quickack(true).ok();
    }

    async fn hand_over(&self, envelope: Envelope, bytes: Vec<u8>) -> Handed {
        let letter = Letter {
            from: envelope.from,
            to: envelope.to,
            bytes,
        };
        self.office.hand_over(letter).await
    }

    /// Reads to the dot, also when a limit was broken before: what is left of the letter would be taken for commands.
    async fn read_letter(&mut self) -> io::Result<Read> {
        let largest = self.office.limits().letter;
        let mut bytes = Vec::new();
        let mut refusal = None;
        loop {
            let line = match self.listen(true).await? {
                Heard::Line(Line::Whole(line)) => line,
                Heard::Line(Line::TooLong) => {
                    refusal = refusal.or(Some(replies::LINE_TOO_LONG));
                    continue;
                }
                Heard::Line(Line::Gone) => return Ok(Read::Cut(None)),
                Heard::Silence => return Ok(Read::Cut(Some(replies::IDLE))),
                Heard::Shutdown => return Ok(Read::Cut(Some(replies::STOPPING))),
            };
            if line == b"." {
                return Ok(refusal.map_or(Read::Whole(bytes), Read::Refused));
            }
            // The sender doubles a dot that begins a line (RFC 5321, 4.5.2).
            let line = line.strip_prefix(b".").unwrap_or(&line);
            if bytes.len() + line.len() + 2 > largest {
                refusal = refusal.or(Some(replies::TOO_LARGE));
            }
            if refusal.is_none() {
                bytes.extend_from_slice(line);
                bytes.extend_from_slice(b"\r\n");
            }
        }
    }
}

/// A recipient's address. The parser answers nothing both for the postmaster, who is always there (RFC 5321, 4.5.1),
/// and for nobody.
fn recipient(address: Cow<'_, str>, line: &[u8]) -> Option<String> {
    if !address.is_empty() {
        return Some(address.into_owned());
    }
    let line = line.to_ascii_lowercase();
    let asked = b"<postmaster>";
    let is_postmaster = line.windows(asked.len()).any(|part| part == asked);
    is_postmaster.then(|| "postmaster".to_owned())
}

fn refusal(unparsable: &Unparsable) -> Answer {
    match unparsable {
        Unparsable::UnknownCommand => replies::UNKNOWN.into(),
        Unparsable::UnsupportedParameter { .. } => replies::UNKNOWN_PARAMETER.into(),
        Unparsable::SyntaxError { syntax } => replies::malformed(syntax).into(),
        Unparsable::InvalidParameter { param } => replies::malformed(param).into(),
        Unparsable::InvalidSenderAddress => replies::malformed("the sender's address").into(),
        Unparsable::InvalidRecipientAddress => replies::malformed("the recipient's address").into(),
        // It got a whole line, so it cannot need more of it.
        _ => replies::malformed("the line").into(),
    }
}
