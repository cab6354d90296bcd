//! Purchases while things go wrong, each test on a mesh and backends of its own.
//!
//! A plan that fails is repeated by `cargo xtask chaos` with its seed.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails by panicking")]

use std::time::Duration;

use reen_chaos::{Backend, Fault, Line, Options, Plan, Planned, Process, Report, run};
use tokio::sync::Mutex;

/// A mesh is up to eight processes and three backends: two at a time would measure the machine.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

const SEED: u64 = 1;

fn some_purchases(faults: Vec<Planned>) -> Options {
    Options {
        purchases: 60,
        buyers: 8,
        duplicates: 20,
        seed: SEED,
        plan: Plan::of(faults),
        together: false,
        mongo_members: 1,
    }
}

/// Runs it; fails with everything that was wrong, and leaves logs and data then.
async fn clean(options: Options) -> Report {
    let _turn = ONE_AT_A_TIME.lock().await;
    let folder = tempfile::Builder::new()
        .prefix("reen-chaos-")
        .tempdir()
        .unwrap();
    let outcome = run(&options, folder.path()).await;
    if outcome.as_ref().is_ok_and(Report::is_clean) {
        return outcome.unwrap();
    }
    let kept = folder.keep();
    let told = match outcome {
        Ok(report) => format!("{report}{}", report.wrong().join("\n")),
        Err(error) => format!("{error:#}"),
    };
    panic!("{told}\nlogs and data are in {}", kept.display());
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_kills_lose_and_double_none_of_three_hundred_payments() {
    let purchases = 350;
    let report = clean(Options {
        purchases,
        buyers: 16,
        plan: Plan::seeded(SEED, purchases, 20),
        ..some_purchases(Vec::new())
    })
    .await;
    assert_eq!(report.struck.kills, 20);
    assert!(report.findings.paid >= 300, "{report}");
    assert!(report.findings.refunds > 0, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_that_are_one_process_die_together_and_lose_and_double_nothing() {
    let kill = |(after, process)| Planned {
        after,
        fault: Fault::Kill {
            process,
            down: Duration::from_millis(300),
        },
    };
    let kills = [
        (8, Process::Checkout),
        (22, Process::EventsHandler),
        (41, Process::Gateway),
    ];
    let report = clean(Options {
        together: true,
        ..some_purchases(kills.map(kill).to_vec())
    })
    .await;
    assert_eq!(report.struck.kills, 3);
    assert!(report.findings.orders > 0, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_primary_that_steps_down_loses_and_doubles_nothing() {
    let step_down = |after| Planned {
        after,
        fault: Fault::StepDown,
    };
    let kill_primary = Planned {
        after: 45,
        fault: Fault::KillBackend {
            backend: Backend::Mongo,
            down: Duration::from_secs(1),
        },
    };
    let report = clean(Options {
        mongo_members: 3,
        ..some_purchases(vec![step_down(10), step_down(28), kill_primary])
    })
    .await;
    assert_eq!(report.struck.step_downs, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rabbitmq_that_is_killed_and_restarted_loses_and_doubles_nothing() {
    let kill = |after| Planned {
        after,
        fault: Fault::KillBackend {
            backend: Backend::RabbitMq,
            down: Duration::from_millis(500),
        },
    };
    let report = clean(some_purchases(vec![kill(15), kill(40)])).await;
    assert_eq!(report.struck.kills, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn purchases_go_on_without_redis() {
    let gone = Planned {
        after: 5,
        fault: Fault::KillBackend {
            backend: Backend::Redis,
            down: Duration::from_secs(6),
        },
    };
    let report = clean(some_purchases(vec![gone])).await;
    assert!(report.findings.orders > 0, "{report}");
}

/// A runner that cannot store what a step came to keeps its saga's lease; the saga must not wait for
/// the sweep that looks for lost messages.
#[tokio::test(flavor = "multi_thread")]
async fn sagas_go_on_as_soon_as_their_database_is_back() {
    let cut = |after| Planned {
        after,
        fault: Fault::Cut {
            line: Line::Database(Process::EventsHandler),
            lasting: Duration::from_secs(4),
        },
    };
    let report = clean(some_purchases(vec![cut(8), cut(30)])).await;
    assert_eq!(report.struck.cuts, 2);
    assert!(
        report.longest_to_quiet < Duration::from_secs(30),
        "{report}"
    );
}
