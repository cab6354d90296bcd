//! Every saga, step by step: each call repeated, refused finally, executed with its answer lost, and its
//! caller killed before and after it. The steps come from the definitions, so that a new saga or step
//! is in here as soon as it is there.
#![expect(clippy::unwrap_used, reason = "helpers of a test fail by panicking")]

mod support;

use std::collections::BTreeSet;

use futures::future::BoxFuture;
use futures::{FutureExt as _, future};
use reen_error::Code;
use reen_events_handler::{Outline, outlines};
use reen_messaging::Message;
use reen_proto::events::v1::{AccountDeletionRequested, LetterRequested};
use serde_json::json;
use support::book::{Call, Fault, is_undo, step_of};
use support::process::{Process, serve_as_child};
use support::{World, checkout_id, refunds, session_event};

/// What starts a saga of each kind.
struct Start {
    kind: &'static str,
    /// Answers the key of a saga that is to be, and sees to what has to be there before.
    prepare: for<'world> fn(&'world World) -> BoxFuture<'world, String>,
    begin: for<'world> fn(&'world World, &'world str) -> BoxFuture<'world, ()>,
}

const STARTS: [Start; 8] = [
    Start {
        kind: "order-completed",
        prepare: |_| fresh_id().boxed(),
        begin: |world, key| world.pay(key, 1).boxed(),
    },
    Start {
        kind: "checkout-expired",
        prepare: |_| fresh_id().boxed(),
        begin: |world, key| expire(world, key).boxed(),
    },
    Start {
        kind: "account-deleted",
        prepare: |_| fresh_id().boxed(),
        begin: |world, key| say_farewell(world, key).boxed(),
    },
    Start {
        kind: "refund-requested",
        prepare: |world| refunds::sold(world).boxed(),
        begin: |world, key| refunds::ask(world, key).boxed(),
    },
    Start {
        kind: "payment-refunded",
        prepare: |world| refunds::refunded_outside(world).boxed(),
        begin: |world, key| refunds::tell(world, key).boxed(),
    },
    Start {
        kind: "clerk-user-synced",
        prepare: |_| fresh_id().boxed(),
        begin: |world, key| clerk_syncs(world, key).boxed(),
    },
    Start {
        kind: "clerk-user-deleted",
        prepare: |_| fresh_id().boxed(),
        begin: |world, key| clerk_deletes(world, key).boxed(),
    },
    Start {
        kind: "account-letter",
        prepare: |_| fresh_id().boxed(),
        begin: |world, key| ask_for_letter(world, key).boxed(),
    },
];

async fn ask_for_letter(world: &World, key: &str) {
    let asked = LetterRequested {
        letter_id: key.to_owned(),
        requested_at: None,
    };
    world.publish_message(&Message::new(&asked)).await;
}

async fn clerk_syncs(world: &World, key: &str) {
    let id = format!("user_{key}");
    let user = json!({"id": id, "first_name": "Bea", "updated_at": 1_654_012_824_306_i64});
    world.publish_of_clerk(key, "user.updated", &user).await;
}

async fn clerk_deletes(world: &World, key: &str) {
    let user = json!({"id": format!("user_{key}"), "deleted": true});
    world.publish_of_clerk(key, "user.deleted", &user).await;
}

async fn fresh_id() -> String {
    checkout_id()
}

async fn expire(world: &World, key: &str) {
    let session = json!({"id": "cs_1", "metadata": {"checkout_id": key}});
    let id = format!("evt_expired_{key}");
    let event = session_event(&id, "checkout.session.expired", &session);
    world.publish(&id, "checkout.session.expired", &event).await;
}

async fn say_farewell(world: &World, key: &str) {
    let farewell = AccountDeletionRequested {
        user_id: key.to_owned(),
        requested_at: None,
    };
    world.publish_message(&Message::new(&farewell)).await;
}

/// The definitions, each with what starts it.
fn every_saga() -> Vec<(Outline, &'static Start)> {
    let start_of = |outline: &Outline| {
        let start = STARTS.iter().find(|start| start.kind == outline.kind);
        start.unwrap_or_else(|| panic!("nothing here starts {}", outline.kind))
    };
    let with_start = |outline| {
        let start = start_of(&outline);
        (outline, start)
    };
    outlines().into_iter().map(with_start).collect()
}

/// A saga that goes well, or one that is turned around.
#[derive(Clone, Copy)]
struct Course {
    start: &'static Start,
    /// The step that is refused, and with what.
    refusal: Option<(&'static str, Code)>,
}

/// Every saga going well, and turned around as late as it can be.
fn courses() -> Vec<Course> {
    let of_saga = |(outline, start): (Outline, &'static Start)| {
        let refusable = outline.steps.iter().rev();
        let last = refusable
            .flat_map(|step| Some((step.name, *step.final_errors.first()?)))
            .next();
        let refusal = last.map(|(step, word)| (step, Code::from_word(word).unwrap()));
        let turned = refusal.map(|_| Course { start, refusal });
        [
            Some(Course {
                start,
                refusal: None,
            }),
            turned,
        ]
    };
    every_saga()
        .into_iter()
        .flat_map(of_saga)
        .flatten()
        .collect()
}

type Deed = (&'static str, String, bool);

impl Course {
    /// Begins it under this key, with one more fault if there is one.
    async fn begin(&self, world: &World, key: &str, fault: Option<(usize, Fault)>) {
        let saga = self.saga(key);
        if let Some((step, code)) = self.refusal {
            world.book.fail_step(&saga, step, Fault::Refuses(code));
        }
        if let Some((turn, fault)) = fault {
            world.book.fail_turn(&saga, turn, fault);
        }
        (self.start.begin)(world, key).await;
    }

    /// What it did once it is settled, whichever its key and however its steps were interleaved.
    async fn deeds(&self, world: &World, key: &str) -> Vec<Deed> {
        let ends = match self.refusal {
            None => "done",
            Some(_) => "compensated",
        };
        world.saga_in(self.start.kind, key, ends).await;
        let deed = |call: Call| {
            let step = step_of(&call.operation).to_owned();
            (call.method, step, is_undo(&call.operation))
        };
        let effects = world.book.effects_of(&self.saga(key));
        // A refused step whose first answer was lost may have been done before.
        let refused = self.refusal.map(|(step, _)| step);
        let deeds = effects.into_iter().map(deed);
        let mut deeds: Vec<_> = deeds
            .filter(|(_, step, is_undo)| *is_undo || Some(step.as_str()) != refused)
            .collect();
        deeds.sort_unstable();
        deeds
    }

    /// Without a further fault: how often it calls, and what it does.
    async fn undisturbed(&self, world: &World) -> (usize, Vec<Deed>) {
        let key = (self.start.prepare)(world).await;
        self.begin(world, &key, None).await;
        let deeds = self.deeds(world, &key).await;
        (world.book.turns_of(&self.saga(&key)), deeds)
    }

    fn saga(&self, key: &str) -> String {
        format!("{}:{key}", self.start.kind)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_call_fails_for_now_each_effect_is_made_once() {
    for course in courses() {
        let world = World::start().await;
        let (calls, expected) = course.undisturbed(&world).await;
        assert!(calls > 0, "{} calls nobody", course.start.kind);
        let faults = [Fault::Refuses(Code::Unavailable), Fault::AnswerLost];
        let cases = (0..calls).flat_map(|turn| faults.map(|fault| (turn, fault)));
        let runs = cases.map(|fault| fails_once(&world, course, fault, &expected));
        future::join_all(runs).await;
    }
}

async fn fails_once(world: &World, course: Course, fault: (usize, Fault), expected: &[Deed]) {
    let key = (course.start.prepare)(world).await;
    course.begin(world, &key, Some(fault)).await;
    let deeds = course.deeds(world, &key).await;
    let saga = course.saga(&key);
    assert_eq!(deeds, expected, "{saga} {fault:?}");
    let calls = world.book.turns_of(&saga);
    assert!(calls > expected.len(), "{saga}: the fault was met");
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_step_is_refused_finally_everything_is_undone_in_reverse() {
    for (outline, start) in every_saga() {
        let world = World::start().await;
        let refusals = outline.steps.iter().flat_map(|step| {
            let codes = step.final_errors.iter();
            codes.map(|word| (step.name, *word))
        });
        let runs = refusals.map(|(step, word)| refused(&world, &outline, start, step, word));
        future::join_all(runs).await;
    }
}

async fn refused(
    world: &World,
    outline: &Outline,
    start: &Start,
    step: &'static str,
    word: &'static str,
) {
    let key = (start.prepare)(world).await;
    let saga = format!("{}:{key}", outline.kind);
    let code = Code::from_word(word).unwrap();
    world.book.fail_step(&saga, step, Fault::Refuses(code));
    (start.begin)(world, &key).await;
    let settled = world.saga_in(outline.kind, &key, "compensated").await;
    assert!(settled.get_array("owed").unwrap().is_empty(), "{saga}");

    let effects = world.book.effects_of(&saga);
    let (undone, acted): (Vec<_>, Vec<_>) =
        effects.iter().partition(|call| is_undo(&call.operation));
    let undone = places(outline, &undone);
    assert!(
        undone.is_sorted_by(|earlier, later| earlier >= later),
        "{saga}: {undone:?}"
    );
    let undone: BTreeSet<usize> = undone.into_iter().collect();
    let left: Vec<_> = places(outline, &acted)
        .into_iter()
        .filter(|place| outline.steps[*place].none_owed.is_none() && !undone.contains(place))
        .collect();
    assert!(
        left.is_empty(),
        "{saga} refused {word}: steps {left:?} are not undone"
    );
}

/// Where in its definition each call's step is.
fn places(outline: &Outline, calls: &[&Call]) -> Vec<usize> {
    let place = |call: &&Call| {
        let name = step_of(&call.operation);
        outline.steps.iter().position(|step| step.name == name)
    };
    calls.iter().filter_map(place).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn wherever_the_runner_is_killed_each_effect_is_made_once() {
    future::join_all(courses().into_iter().map(killed_everywhere)).await;
}

/// Every boundary between two effects is beside a call: what is stored between them as well.
async fn killed_everywhere(course: Course) {
    let world = World::without_app().await;
    let mut process = Process::start(ENTRY, &world.settings);
    let (calls, expected) = course.undisturbed(&world).await;
    for turn in 0..calls {
        for fault in [Fault::KilledBefore, Fault::KilledAfter] {
            let key = (course.start.prepare)(&world).await;
            course.begin(&world, &key, Some((turn, fault))).await;
            world.book.killing().await;
            drop(process);
            process = Process::start(ENTRY, &world.settings);
            let deeds = course.deeds(&world, &key).await;
            assert_eq!(deeds, expected, "{} {turn} {fault:?}", course.saga(&key));
        }
    }
}

const ENTRY: &str = "the_process_that_is_killed";

/// Not a test by itself: the others start it in a process of its own.
#[tokio::test(flavor = "multi_thread")]
async fn the_process_that_is_killed() {
    serve_as_child().await;
}
