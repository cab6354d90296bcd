//! Sums that are kept, compared with what they are the sums of: both read at the same point in time,
//! both in the order of their keys, so that neither has to fit into memory.

use std::cmp::Ordering;

use bson::{Bson, Document, doc};
use futures::TryStreamExt as _;
use mongodb::{ClientSession, SessionCursor};

use crate::Error;
use crate::databases::Source;
use crate::fields::{id_text, shown};
use crate::finding::{Finding, Invariant, Notes, Subject};
use crate::sweep::{Checker, Suspect};

/// How many are looked at between two signs of life.
const STRIDE: usize = 500;
/// How many are looked at again together.
const MOST_AGAIN: usize = 1_000;

/// Notes what is wrong with a kept sum (absent: there is none) and what was summed up for it.
type Judge = fn(Option<&Document>, Option<&Document>, &mut Notes);

/// Kept sums, and how to make them anew.
pub(crate) struct Tally {
    /// What they are of, in the plural.
    pub(crate) subjects: &'static str,
    /// One of them, in the singular.
    pub(crate) kind: &'static str,
    /// Where they are kept, by `_id`.
    pub(crate) kept: Source,
    pub(crate) kept_filter: Document,
    pub(crate) kept_fields: Document,
    /// What they are made of; in the same database.
    pub(crate) summed: Source,
    /// Makes them: all, or only those of some keys. The last stage groups by what is the `_id` there.
    pub(crate) pipeline: fn(Option<&[Bson]>) -> Vec<Document>,
    pub(crate) judge: Judge,
}

/// A stage that lets only these keys pass, if only some are wanted.
pub(crate) fn only(field: &str, keys: Option<&[Bson]>) -> Vec<Document> {
    let stage = |keys: &[Bson]| doc! {"$match": {field: {"$in": keys}}};
    keys.map(stage).into_iter().collect()
}

/// Compares all of them, and those that differ once more.
pub(crate) async fn check(checker: &mut Checker<'_>, tally: &Tally) -> Result<(), Error> {
    checker.begin(tally.subjects);
    let first = look(checker, tally, None).await?;
    checker.looked_at(first.seen);
    checker.leave_off(first.left_off);
    if !first.suspects.is_empty() {
        checker.pause().await;
        let keys: Vec<Bson> = first.suspects.into_iter().map(|it| it.id).collect();
        for suspect in look(checker, tally, Some(&keys)).await?.suspects {
            checker.found(suspect.findings);
        }
    }
    Ok(())
}

/// What was seen at one point in time.
#[derive(Default)]
struct Look {
    seen: usize,
    suspects: Vec<Suspect>,
    /// Findings of suspects that are more than are looked at again.
    left_off: usize,
}

impl Look {
    fn note(&mut self, id: Bson, findings: Vec<Finding>) {
        self.seen += 1;
        match findings.is_empty() {
            true => {}
            false if self.suspects.len() < MOST_AGAIN => {
                self.suspects.push(Suspect { id, findings });
            }
            false => self.left_off += findings.len(),
        }
    }
}

/// Looks at all, or at those of some keys.
async fn look(checker: &Checker<'_>, tally: &Tally, keys: Option<&[Bson]>) -> Result<Look, Error> {
    let failed = |error| tally.kept.unreadable(error);
    let mut snapshot = tally.kept.snapshot().await?;
    loop {
        let attempt = look_once(checker, tally, keys, snapshot.session()).await;
        if let Some(look) = snapshot.settle(attempt).await.map_err(failed)? {
            return Ok(look);
        }
    }
}

async fn look_once(
    checker: &Checker<'_>,
    tally: &Tally,
    keys: Option<&[Bson]>,
    session: &mut ClientSession,
) -> Result<Look, reen_mongo::Error> {
    let mut look = Look::default();
    let mut comparison = Comparison::begin(tally, keys, session).await?;
    while let Some((key, findings)) = comparison.next().await? {
        look.note(key, findings);
        if look.seen.is_multiple_of(STRIDE) {
            checker.glimpse(look.seen);
        }
    }
    Ok(look)
}

/// Two sorted streams, side by side.
struct Comparison<'look> {
    tally: &'look Tally,
    session: &'look mut ClientSession,
    kept: Side,
    summed: Side,
}

struct Side {
    cursor: SessionCursor<Document>,
    /// What was read and not compared yet.
    head: Option<Document>,
}

impl<'look> Comparison<'look> {
    async fn begin(
        tally: &'look Tally,
        keys: Option<&[Bson]>,
        session: &'look mut ClientSession,
    ) -> mongodb::error::Result<Self> {
        let mut pipeline = (tally.pipeline)(keys);
        pipeline.push(doc! {"$sort": {"_id": 1}});
        let parts = tally.summed.collection.of_snapshots();
        let summing = parts.aggregate(pipeline).allow_disk_use(true);
        let summed = summing.session(&mut *session).await?;
        let mut filter = tally.kept_filter.clone();
        if let Some(keys) = keys {
            filter.insert("_id", doc! {"$in": keys});
        }
        let sums = tally.kept.collection.of_snapshots();
        let keeping = sums.find(filter).sort(doc! {"_id": 1});
        let keeping = keeping.projection(tally.kept_fields.clone());
        let kept = keeping.session(&mut *session).await?;
        let mut comparison = Self {
            tally,
            session,
            kept: Side::of(kept),
            summed: Side::of(summed),
        };
        comparison.advance(true, true).await?;
        Ok(comparison)
    }

    /// The next key, and what is wrong with it.
    async fn next(&mut self) -> mongodb::error::Result<Option<(Bson, Vec<Finding>)>> {
        let order = match (self.kept.key(), self.summed.key()) {
            (None, None) => return Ok(None),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(kept), Some(summed)) => in_order_of_the_database(&kept, &summed),
        };
        let kept = self.kept.head.as_ref().filter(|_| order.is_le());
        let summed = self.summed.head.as_ref().filter(|_| order.is_ge());
        let key = kept.or(summed).and_then(|document| document.get("_id"));
        let key = key.cloned().unwrap_or(Bson::Null);
        let subject = Subject::new(self.tally.kind, id_text(Some(&key)));
        let mut notes = Notes::on(subject);
        (self.tally.judge)(kept, summed, &mut notes);
        self.advance(order.is_le(), order.is_ge()).await?;
        Ok(Some((key, notes.into_findings())))
    }

    async fn advance(&mut self, kept: bool, summed: bool) -> mongodb::error::Result<()> {
        for (side, is_next) in [(&mut self.kept, kept), (&mut self.summed, summed)] {
            if is_next {
                side.head = side.cursor.next(self.session).await.transpose()?;
            }
        }
        Ok(())
    }
}

impl Side {
    fn of(cursor: SessionCursor<Document>) -> Self {
        Self { cursor, head: None }
    }

    fn key(&self) -> Option<Bson> {
        let head = self.head.as_ref()?;
        Some(head.get("_id").cloned().unwrap_or(Bson::Null))
    }
}

/// As MongoDB sorts keys; only text and ObjectIds are keys here, and whatever else there is by mistake
/// comes first.
fn in_order_of_the_database(one: &Bson, other: &Bson) -> Ordering {
    let rank = |key: &Bson| match key {
        Bson::String(_) => 1,
        Bson::ObjectId(_) => 2,
        _ => 0,
    };
    match (one, other) {
        (Bson::String(one), Bson::String(other)) => one.cmp(other),
        (Bson::ObjectId(one), Bson::ObjectId(other)) => one.cmp(other),
        _ => rank(one).cmp(&rank(other)),
    }
}

/// What may be there once only.
pub(crate) struct Doubles {
    pub(crate) source: Source,
    /// Groups by what may be there once, with a `count`.
    pub(crate) pipeline: Vec<Document>,
    /// What it is, in the singular.
    pub(crate) kind: &'static str,
    /// What more than one of are, in the plural.
    pub(crate) of: &'static str,
}

impl Doubles {
    /// Values of one field, of the documents that have it.
    pub(crate) fn of_field(
        source: Source,
        field: &str,
        kind: &'static str,
        of: &'static str,
    ) -> Self {
        let mut pipeline = vec![doc! {"$match": {field: {"$exists": true}}}];
        // Of an array's members, where the field is one of theirs.
        if let Some((array, _)) = field.split_once('.') {
            pipeline.push(doc! {"$unwind": format!("${array}")});
        }
        pipeline.push(doc! {"$match": {field: {"$ne": null}}});
        pipeline.push(doc! {"$group": {"_id": format!("${field}"), "count": {"$sum": 1}}});
        Self {
            source,
            pipeline,
            kind,
            of,
        }
    }
}

/// Finds what is there more than once. What is there twice stays so: no second look is needed.
pub(crate) async fn check_doubles(
    checker: &mut Checker<'_>,
    doubles: &Doubles,
) -> Result<(), Error> {
    let failed = doubles.source.failed();
    let mut pipeline = doubles.pipeline.clone();
    pipeline.push(doc! {"$match": {"count": {"$gt": 1}}});
    let grouping = doubles.source.collection.aggregate(pipeline);
    let mut found = grouping.allow_disk_use(true).await.map_err(&failed)?;
    while let Some(double) = found.try_next().await.map_err(&failed)? {
        let count = shown(double.get("count"));
        let id = id_text(double.get("_id"));
        let mut notes = Notes::on(Subject::new(doubles.kind, id));
        notes.note(
            Invariant::Once,
            format!("is recorded in {count} {}", doubles.of),
        );
        checker.found(notes.into_findings());
    }
    Ok(())
}
