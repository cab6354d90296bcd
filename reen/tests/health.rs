//! `reen health`, as the health check of a container types it.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use reen_chassis::admin::{self, Dependency, Readiness};
use reen_chassis::server;
use reen_testkit::{ANY_PORT, in_background, url_of};
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

#[derive(Default)]
struct Database {
    answers: AtomicBool,
}

#[async_trait]
impl Dependency for Database {
    fn name(&self) -> &'static str {
        "mongodb"
    }

    async fn check(&self) -> Result<(), String> {
        let answers = self.answers.load(Ordering::Relaxed);
        answers.then_some(()).ok_or("it is away".to_owned())
    }
}

async fn health(admin: &str) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reen"));
    let output = command.args(["health", admin]).output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().unwrap(), said)
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_what_the_admin_listener_says() {
    let listener = server::bind(ANY_PORT).await.unwrap();
    let admin = url_of(listener.local_addr().unwrap());
    let database = Arc::new(Database::default());
    let readiness = Readiness::new(vec![database.clone()], CancellationToken::new());
    let running = in_background(|stop| admin::serve(listener, readiness, stop));

    let (code, said) = health(admin.as_str()).await;
    assert_eq!(code, 1, "{said}");
    assert!(
        said.contains("mongodb") && said.contains("it is away"),
        "{said}"
    );

    database.answers.store(true, Ordering::Relaxed);
    assert_eq!(health(admin.as_str()).await, (0, String::new()));
    drop(running);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_there_is_not_healthy() {
    let (code, said) = health("http://127.0.0.1:1").await;
    assert_eq!(code, 1);
    assert!(
        said.contains("nothing answers at http://127.0.0.1:1/health/ready"),
        "{said}"
    );
}
