//! What the stand-in answers: RFC 5321, 4.2.

use super::Limits;

pub(super) const GREETING: &str = "220 reen-sims ESMTP\r\n";
pub(super) const HELLO: &str = "250 reen-sims\r\n";
pub(super) const DONE: &str = "250 done\r\n";
pub(super) const CANNOT_VERIFY: &str = "252 cannot say, but try it\r\n";
pub(super) const GOODBYE: &str = "221 goodbye\r\n";
pub(super) const GO_AHEAD: &str = "354 go ahead, and end with a dot on a line of its own\r\n";
pub(super) const STOPPING: &str = "421 stopping\r\n";
pub(super) const IDLE: &str = "421 nothing was said for too long\r\n";
pub(super) const TOO_MANY_CONNECTIONS: &str = "421 too many connections\r\n";
pub(super) const NOT_NOW: &str = "451 not now, try again later\r\n";
pub(super) const TOO_MANY_RECIPIENTS: &str = "452 too many recipients\r\n";
pub(super) const UNKNOWN: &str = "500 unknown command\r\n";
pub(super) const LINE_TOO_LONG: &str = "500 line too long\r\n";
pub(super) const NOT_IMPLEMENTED: &str = "502 not implemented\r\n";
pub(super) const HELLO_FIRST: &str = "503 say hello first\r\n";
pub(super) const SENDER_FIRST: &str = "503 name the sender first\r\n";
pub(super) const RECIPIENT_FIRST: &str = "503 name a recipient first\r\n";
pub(super) const SENDER_TWICE: &str = "503 the sender was named already\r\n";
pub(super) const NOT_TRUSTED: &str = "550 5.7.1 relaying denied\r\n";
pub(super) const TOO_LARGE: &str = "552 the letter is too large\r\n";
pub(super) const NEEDS_UTF8: &str = "553 such an address needs SMTPUTF8\r\n";
pub(super) const UNKNOWN_PARAMETER: &str = "555 unknown parameter\r\n";

/// What the stand-in can do, and how large a letter may be, in bytes.
pub(super) fn extensions(limits: &Limits) -> String {
    let other_letters = match limits.other_letters {
        true => "250-SMTPUTF8\r\n",
        false => "",
    };
    let largest_letter = limits.letter;
    format!(
        "250-reen-sims\r\n250-PIPELINING\r\n250-8BITMIME\r\n{other_letters}250 SIZE {largest_letter}\r\n"
    )
}

/// Repeats the address, as most servers do: who keeps an answer keeps whom it was about.
pub(super) fn no_such_mailbox(address: &str) -> String {
    format!("550 no such mailbox: <{address}>\r\n")
}

/// An argument is not what its command needs.
pub(super) fn malformed(what: &str) -> String {
    format!("501 malformed: {what}\r\n")
}
