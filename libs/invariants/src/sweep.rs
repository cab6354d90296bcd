//! The way of every check: ids in batches, a look at each batch, a second look at what looked wrong.

use bson::{Bson, Document};
use futures::TryStreamExt as _;

use crate::databases::{Databases, Owner, Source};
use crate::finding::{Finding, Report};
use crate::{Error, Progress, Terms};

/// How many subjects are looked at together: as many as keep the round trips few and the memory small.
const BATCH: usize = 500;
const MOST_SUSPECTS: usize = 1_000;
const MOST_FINDINGS: usize = 1_000;

/// What looks wrong, and by which id it is looked at again.
#[derive(Debug)]
pub(crate) struct Suspect {
    pub(crate) id: Bson,
    pub(crate) findings: Vec<Finding>,
}

/// A check of the documents of one collection, each for itself.
pub(crate) trait Check {
    /// What they are, in the plural.
    const SUBJECTS: &'static str;

    /// Where their ids are.
    fn source(&self) -> Source;

    /// Which of them are looked at.
    fn filter(&self) -> Document {
        Document::new()
    }

    /// Looks at some of them. Ids whose document has gone meanwhile are left out.
    async fn look(&self, ids: &[Bson]) -> Result<Vec<Suspect>, Error>;
}

/// What all checks share.
pub(crate) struct Checker<'check> {
    pub(crate) databases: &'check Databases,
    pub(crate) terms: Terms,
    progress: &'check Progress,
    report: Report,
}

impl<'check> Checker<'check> {
    pub(crate) fn new(
        databases: &'check Databases,
        terms: Terms,
        progress: &'check Progress,
    ) -> Self {
        Self {
            databases,
            terms,
            progress,
            report: Report::default(),
        }
    }

    pub(crate) fn source(&self, owner: Owner, collection: &str) -> Source {
        self.databases.source(owner, collection)
    }

    /// Goes through a whole collection.
    pub(crate) async fn sweep<C: Check>(&mut self, check: &C) -> Result<(), Error> {
        self.begin(C::SUBJECTS);
        let ids = check.source().ids(check.filter()).await?;
        let batches = ids.try_chunks(BATCH).map_err(|stopped| stopped.1);
        let mut batches = std::pin::pin!(batches);
        let mut suspects = Vec::new();
        while let Some(batch) = batches.try_next().await? {
            let wrong = check.look(&batch).await?;
            suspects.extend(wrong.into_iter().map(|suspect| suspect.id));
            self.looked_at(batch.len());
            if suspects.len() >= MOST_SUSPECTS {
                self.look_again(check, std::mem::take(&mut suspects))
                    .await?;
            }
        }
        self.look_again(check, suspects).await
    }

    async fn look_again<C: Check>(&mut self, check: &C, suspects: Vec<Bson>) -> Result<(), Error> {
        if suspects.is_empty() {
            return Ok(());
        }
        self.pause().await;
        for batch in suspects.chunks(BATCH) {
            for suspect in check.look(batch).await? {
                self.found(suspect.findings);
            }
        }
        Ok(())
    }

    /// Between the two looks.
    pub(crate) async fn pause(&self) {
        tokio::time::sleep(self.terms.between_looks()).await;
    }

    /// From now on these are counted.
    pub(crate) fn begin(&mut self, subjects: &'static str) {
        let last = self.report.counted.last().copied();
        match last {
            Some((counted, count)) if counted == subjects => self.progress.show(subjects, count),
            _ => {
                self.report.counted.push((subjects, 0));
                self.progress.show(subjects, 0);
            }
        }
    }

    pub(crate) fn looked_at(&mut self, more: usize) {
        if let Some((subjects, count)) = self.report.counted.last_mut() {
            *count += u64::try_from(more).unwrap_or(u64::MAX);
            self.progress.show(subjects, *count);
        }
    }

    /// Shows that it goes on; what is looked at is counted in its end.
    pub(crate) fn glimpse(&self, so_far: usize) {
        if let Some((subjects, count)) = self.report.counted.last() {
            let so_far = u64::try_from(so_far).unwrap_or(u64::MAX);
            self.progress.show(subjects, count.saturating_add(so_far));
        }
    }

    pub(crate) fn found(&mut self, findings: impl IntoIterator<Item = Finding>) {
        for finding in findings {
            if self.report.findings.len() < MOST_FINDINGS {
                self.report.findings.push(finding);
            } else {
                self.leave_off(1);
            }
        }
    }

    /// There are more findings than are kept.
    pub(crate) fn leave_off(&mut self, findings: usize) {
        self.report.left_off += u64::try_from(findings).unwrap_or(u64::MAX);
    }

    pub(crate) fn into_report(mut self) -> Report {
        self.report.findings.sort();
        // One damaged document may be met by several checks.
        self.report.findings.dedup();
        self.report
    }
}

/// Those of the documents of which something is wrong.
pub(crate) fn judged(
    documents: Vec<Document>,
    judge: impl Fn(Document) -> Vec<Finding>,
) -> Vec<Suspect> {
    let judged = documents.into_iter().map(|document| Suspect {
        id: document.get("_id").cloned().unwrap_or(Bson::Null),
        findings: judge(document),
    });
    judged
        .filter(|suspect| !suspect.findings.is_empty())
        .collect()
}
