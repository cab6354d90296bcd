//! The e-mails that a purchase sends, found in the folder where development keeps them.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use super::account::Account;
use super::api::wait_for;
use super::narrator::Narrator;
use crate::mesh::Run;

/// E-mails come last and are retried by themselves: they may take a moment longer than the order.
const PATIENCE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(20);
/// The subject of the e-mail that was there before the purchase.
const OF_THE_SIGN_UP: &str = "Verify your e-mail address";

/// Tells of each account's e-mail; fails when one does not come.
pub(super) fn tell(narrator: &Narrator, run: &Run, accounts: &[&Account]) -> Result<()> {
    let Some(folder) = &run.mail_dir else {
        narrator.conclude("the e-mails were sent by SMTP");
        return Ok(());
    };
    for account in accounts {
        narrator.tell(
            "an e-mail arrives",
            || {
                wait_for(&account.email, PATIENCE, POLL, || {
                    find(Path::new(folder), &account.email)
                })
            },
            |mail| {
                format!(
                    "to {}: {}",
                    account.name,
                    mail.subject.as_deref().unwrap_or(&mail.file)
                )
            },
        )?;
    }
    Ok(())
}

struct Mail {
    file: String,
    subject: Option<String>,
}

/// The first e-mail to an address about what was bought or sold.
fn find(folder: &Path, address: &str) -> Result<Option<Mail>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        // A file that is being written is looked at again in a moment.
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        if is_to(&text, address) && header(&text, "Subject") != Some(OF_THE_SIGN_UP) {
            let file = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            return Ok(Some(Mail {
                file,
                subject: header(&text, "Subject").map(str::to_owned),
            }));
        }
    }
    Ok(None)
}

fn is_to(mail: &str, address: &str) -> bool {
    header(mail, "To").is_some_and(|to| to.contains(address))
}

/// A header's value with its continuation lines; headers end at the first empty line.
fn header<'a>(mail: &'a str, name: &str) -> Option<&'a str> {
    let head = mail.split("\r\n\r\n").next()?.split("\n\n").next()?;
    let mut start = 0;
    for line in head.split_inclusive('\n') {
        let value = start + name.len() + 1;
        if line
            .get(..name.len())
            .is_some_and(|word| word.eq_ignore_ascii_case(name))
            && line.as_bytes().get(name.len()) == Some(&b':')
        {
            return Some(unfolded(&head[value..]));
        }
        start += line.len();
    }
    None
}

/// Up to the line that is not continued by one beginning with a blank.
fn unfolded(rest: &str) -> &str {
    let mut end = 0;
    for line in rest.split_inclusive('\n') {
        end += line.len();
        if !rest[end..].starts_with([' ', '\t']) {
            break;
        }
    }
    rest[..end].trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIL: &str =
        "From: REEN <a@b>\r\nTo: \"Ada\"\r\n <ada@reen.example>\r\nSubject: Sold\r\n\r\nTo: nobody";

    #[test]
    fn headers_are_read_with_their_continuation() {
        assert_eq!(header(MAIL, "subject"), Some("Sold"));
        assert_eq!(header(MAIL, "To"), Some("\"Ada\"\r\n <ada@reen.example>"));
        assert_eq!(header(MAIL, "Cc"), None);
    }

    #[test]
    fn a_mail_is_found_by_its_addressee() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("1.eml"), MAIL).unwrap();
        let found = find(folder.path(), "ada@reen.example").unwrap().unwrap();
        assert_eq!(found.subject.as_deref(), Some("Sold"));
        assert!(find(folder.path(), "nobody").unwrap().is_none());
        let of_the_sign_up = MAIL.replace("Sold", OF_THE_SIGN_UP);
        fs::write(folder.path().join("1.eml"), of_the_sign_up).unwrap();
        assert!(find(folder.path(), "ada@reen.example").unwrap().is_none());
    }
}
