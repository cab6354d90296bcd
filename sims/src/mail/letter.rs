use mail_parser::{HeaderValue, Message, MessageParser};

/// A letter as it came: its envelope, and its bytes without what SMTP adds to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The envelope's sender; empty for a report of failure.
    pub from: String,
    /// The envelope's recipients.
    pub to: Vec<String>,
    /// Headers and body.
    pub bytes: Vec<u8>,
}

impl Letter {
    /// Whether it is for `address`; case does not count.
    #[must_use]
    pub fn is_for(&self, address: &str) -> bool {
        self.to.iter().any(|to| to.eq_ignore_ascii_case(address))
    }

    /// A header, decoded, if there is one that is text, an address or an id; addresses as `name <address>`.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        match self.parsed()?.header(name)? {
            HeaderValue::Text(text) => Some(text.to_string()),
            HeaderValue::Address(addresses) => {
                let shown = addresses.iter().map(|one| {
                    let address = one.address().unwrap_or_default();
                    match one.name() {
                        Some(name) => format!("{name} <{address}>"),
                        None => address.to_owned(),
                    }
                });
                Some(shown.collect::<Vec<_>>().join(", "))
            }
            _ => None,
        }
    }

    /// The subject, decoded; empty without one.
    #[must_use]
    pub fn subject(&self) -> String {
        self.header("Subject").unwrap_or_default()
    }

    /// The `Message-ID` without its brackets, by which a repeat is told.
    #[must_use]
    pub fn message_id(&self) -> Option<String> {
        self.header("Message-ID")
    }

    /// The plain text, decoded, if it has such a part.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        let parsed = self.parsed()?;
        let part = parsed.text_part(0)?;
        let is_plain = !part.is_text_html();
        is_plain.then(|| part.text_contents().map(str::to_owned))?
    }

    /// The HTML, decoded, if it has such a part.
    #[must_use]
    pub fn html(&self) -> Option<String> {
        let parsed = self.parsed()?;
        let part = parsed.html_part(0)?;
        let is_html = part.is_text_html();
        is_html.then(|| part.text_contents().map(str::to_owned))?
    }

    fn parsed(&self) -> Option<Message<'_>> {
        MessageParser::default().parse(&self.bytes)
    }
}
