//! The protocol of the runner, explored whole: leases and epochs, calls that arrive late, answers that
//! get lost, runners that die, messages that come twice.
//!
//! It mirrors `runner.rs`, `store::{acquire, change}` and what every service does with an operation: pass
//! the fence, look for the operation's record, make the effect. Stages and what they owe are asked of the
//! real definition. A runner may take a saga over at any time, as if every lease had ended: what holds
//! then holds with leases.

mod world;

use std::collections::BTreeSet;

use futures::FutureExt as _;
use stateright::{Checker as _, Model, Property};

use self::world::{Answer, Call, Saga, Service, Status, World};
use super::definition::{Action, AnySaga as _, Compensation, Definition, Follows, Part, Step};

const RUNNERS: usize = 2;
const NOTHING: Action<()> = |_, ()| async { Ok(()) }.boxed();

const fn step(name: &'static str, follows: Follows) -> Step<()> {
    Step {
        name,
        follows,
        action: NOTHING,
        compensation: Compensation::Undo(NOTHING),
        final_errors: &[],
    }
}

/// Two stages; each step in a service of its own.
const SAGA: Definition<()> = Definition {
    kind: "modelled",
    version: 1,
    steps: &[
        step("0", Follows::Stored),
        step("1", Follows::AtOnce),
        step("2", Follows::Stored),
    ],
    epilogue: &[],
};
const STEPS: usize = SAGA.steps.len();

/// When a compensation is noted as owed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owing {
    /// Before the stage begins, as the runner does it.
    BeforeTheStage,
    /// When the answer to its action is here, as it must not be done.
    AfterTheCall,
}

struct Protocol {
    owing: Owing,
    deaths: u8,
    lost_answers: u8,
    repeats: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Happens {
    /// A runner takes a message and the saga over.
    Takes(usize),
    Calls(usize),
    /// A call arrives; the service may refuse an action that it has not done.
    Arrives(Call, /* refused */ bool),
    /// A runner takes an answer in, and stores what has to be stored.
    Goes(usize),
    /// A runner waits no longer, and puts the saga off.
    GivesUp(usize),
    Dies(usize),
    /// The message comes once more.
    Repeats,
}

impl Model for Protocol {
    type State = World;
    type Action = Happens;

    fn init_states(&self) -> Vec<World> {
        let saga = Saga {
            status: Status::Running,
            epoch: 0,
            step: 0,
            owed: self.owed_from(0),
        };
        vec![World {
            saga,
            services: Default::default(),
            runners: Default::default(),
            calls: BTreeSet::new(),
            messages: 1,
            deaths: self.deaths,
            lost_answers: self.lost_answers,
            repeats: self.repeats,
        }]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Happens>) {
        for (index, runner) in world.runners.iter().enumerate() {
            match runner {
                None if world.messages > 0 => actions.push(Happens::Takes(index)),
                None => {}
                Some(runner) => {
                    actions.push(match (runner.waits_for, runner.answer) {
                        (_, Some(_)) => Happens::Goes(index),
                        (None, None) => Happens::Calls(index),
                        (Some(_), None) => Happens::GivesUp(index),
                    });
                    actions.push(Happens::Dies(index));
                }
            }
        }
        for call in &world.calls {
            actions.push(Happens::Arrives(*call, false));
            if !call.is_undo && !world.services[call.step].acted {
                actions.push(Happens::Arrives(*call, true));
            }
        }
        actions.push(Happens::Repeats);
    }

    fn next_state(&self, last: &World, happens: Happens) -> Option<World> {
        let mut world = last.clone();
        match happens {
            Happens::Takes(index) => world.takes(index),
            Happens::Calls(index) => world.calls(index),
            Happens::Arrives(call, refused) => world.arrives(call, refused),
            Happens::Goes(index) => self.goes(&mut world, index),
            Happens::GivesUp(index) => {
                world.lost_answers = world.lost_answers.checked_sub(1)?;
                world.puts_off(index);
            }
            Happens::Dies(index) => {
                world.deaths = world.deaths.checked_sub(1)?;
                world.runners[index] = None;
                world.messages += 1;
            }
            Happens::Repeats => {
                world.repeats = world.repeats.checked_sub(1)?;
                world.messages += 1;
            }
        }
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(
                "done means that every step is in force",
                |_, world: &World| {
                    let in_force = |service: &Service| service.acted && !service.undone;
                    world.saga.status != Status::Done || world.services.iter().all(in_force)
                },
            ),
            Property::always(
                "compensated means that no step is in force",
                |_, world: &World| {
                    let in_force = |service: &Service| service.acted && !service.undone;
                    world.saga.status != Status::Compensated || !world.services.iter().any(in_force)
                },
            ),
            Property::eventually("the saga is settled", |_, world: &World| {
                world.saga.is_settled()
            }),
            Property::sometimes("it can be done", |_, world: &World| {
                world.saga.status == Status::Done
            }),
            Property::sometimes(
                "it can be compensated after it had an effect",
                |_, world: &World| {
                    let had_effect = world.services.iter().any(|service| service.acted);
                    world.saga.status == Status::Compensated && had_effect
                },
            ),
        ]
    }
}

impl Protocol {
    fn owed_from(&self, step: usize) -> Vec<usize> {
        match self.owing {
            Owing::AfterTheCall => Vec::new(),
            Owing::BeforeTheStage => {
                let place = |name| SAGA.steps.iter().position(|step| step.name == name);
                SAGA.owed_from(step).into_iter().filter_map(place).collect()
            }
        }
    }

    fn goes(&self, world: &mut World, index: usize) {
        let Some(runner) = &mut world.runners[index] else {
            return;
        };
        let epoch = runner.saga.epoch;
        let call = runner.waits_for.take();
        let Some((call, answer)) = call.zip(runner.answer.take()) else {
            return;
        };
        let saga = &mut runner.saga;
        match answer {
            // Acknowledged: whoever has the newer epoch has a message of its own.
            Answer::Stale => {
                world.runners[index] = None;
                return;
            }
            Answer::Refused => {
                saga.status = Status::Compensating;
                saga.epoch += 1;
            }
            Answer::Ok if call.is_undo => {
                saga.owed.pop();
                if saga.owed.is_empty() {
                    saga.status = Status::Compensated;
                }
            }
            Answer::Ok => {
                if self.owing == Owing::AfterTheCall {
                    saga.owed.push(call.step);
                }
                saga.step += 1;
                if saga.step < SAGA.stage_end(Part::Steps, call.step) {
                    return;
                }
                saga.owed.extend(self.owed_from(saga.step));
                if saga.step == STEPS {
                    saga.status = Status::Done;
                }
            }
        }
        if saga.status == Status::Compensating && saga.owed.is_empty() {
            saga.status = Status::Compensated;
        }
        world.stores(index, epoch);
    }
}

/// As many mishaps as can be explored whole in a few seconds.
fn protocol(owing: Owing) -> Protocol {
    Protocol {
        owing,
        deaths: 1,
        lost_answers: 1,
        repeats: 1,
    }
}

#[test]
fn whatever_happens_a_saga_is_done_or_undone_whole() {
    let checker = protocol(Owing::BeforeTheStage).checker().spawn_bfs().join();
    checker.assert_properties();
}

#[test]
fn a_compensation_that_is_noted_after_its_call_leaves_effects_behind() {
    let checker = protocol(Owing::AfterTheCall).checker().spawn_bfs().join();
    let left_behind = checker.discovery("compensated means that no step is in force");
    assert!(left_behind.is_some(), "the model does not see the mistake");
}
