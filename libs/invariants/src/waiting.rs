//! Messages that were committed and wait for the broker.

use bson::{Bson, doc};

use crate::databases::{OUTBOX, Owner, Source};
use crate::fields::id_text;
use crate::finding::{Invariant, Notes, Subject};
use crate::sweep::{Check, Checker, Suspect, judged};
use crate::terms::age;
use crate::{Error, Terms};

pub(crate) async fn check(checker: &mut Checker<'_>) -> Result<(), Error> {
    for owner in Owner::ALL {
        let outbox = Outbox {
            messages: checker.source(owner, OUTBOX),
            owner,
            terms: checker.terms,
        };
        checker.sweep(&outbox).await?;
    }
    Ok(())
}

/// The messages of a process; one that keeps none has none waiting.
struct Outbox {
    messages: Source,
    owner: Owner,
    terms: Terms,
}

impl Check for Outbox {
    const SUBJECTS: &'static str = "waiting messages";

    fn source(&self) -> Source {
        self.messages.clone()
    }

    async fn look(&self, ids: &[Bson]) -> Result<Vec<Suspect>, Error> {
        let wanted = doc! {"kind": 1, "putAt": 1, "messageId": 1};
        let messages = self.messages.by_ids(ids, wanted).await?;
        Ok(judged(messages, |message| {
            let subject = Subject::new("message", id_text(message.get("messageId")));
            let mut notes = Notes::on(subject);
            let put_at = message.get_datetime("putAt").ok().copied();
            let is_late = put_at.is_none_or(|put_at| self.terms.is_late_message(put_at));
            notes.demand(!is_late, Invariant::NothingLost, || {
                let kind = message.get_str("kind").unwrap_or("no kind");
                let age = put_at.map_or_else(|| "a while".to_owned(), age);
                let owner = self.owner.name();
                format!("of kind {kind} waits in the outbox of {owner} for {age}")
            });
            notes.into_findings()
        }))
    }
}
