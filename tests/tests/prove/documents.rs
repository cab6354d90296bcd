//! What the documentation tells people to type, typed.

use reen_sims::clerk::{ClerkSim, Config};
use reen_tests::{Mesh, WEBHOOK_SECRET};
use serde_json::json;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::manual::{blocks, type_all};

const CLERK_KEY: &str = "sk_test_of_the_manual";
/// As `cargo xtask up` sets them, so that answers tell of limits that nobody reaches.
const FAR_AWAY: &str = "600000/100000";

/// A mesh as `cargo xtask up` leaves it: with Clerk's stand-in, and a file that says where all of it is.
struct Tour {
    _mesh: Mesh,
    _clerk: DropGuard,
    folder: tempfile::TempDir,
}

impl Tour {
    async fn begin() -> Self {
        let sim = ClerkSim::build(Config::in_process(CLERK_KEY)).await;
        let sim = sim.unwrap();
        let (clerk, api, stop) = (sim.base_url(), sim.api_base(), CancellationToken::new());
        tokio::spawn(sim.run(stop.clone()));
        let mesh = Mesh::start_with(&[
            ("CLERK_SECRET_KEY", CLERK_KEY),
            ("CLERK_API_BASE", &api),
            ("CLERK_ISSUER", &clerk),
            ("RATE_LIMIT_SIGN_IN", FAR_AWAY),
            ("RATE_LIMIT_WEBHOOK", FAR_AWAY),
            ("RATE_LIMIT_WRITE", FAR_AWAY),
            ("RATE_LIMIT_READ", FAR_AWAY),
        ])
        .await;
        let folder = tempfile::tempdir().unwrap();
        let run = json!({
            "gateway": mesh.gateway,
            "stripe": mesh.stripe,
            "clerk": clerk,
            "mail_dir": mesh.mail,
            "stripe_webhook_secret": WEBHOOK_SECRET,
        });
        std::fs::create_dir(folder.path().join(".reen")).unwrap();
        std::fs::write(folder.path().join(".reen/run.json"), run.to_string()).unwrap();
        Self {
            _mesh: mesh,
            _clerk: stop.drop_guard(),
            folder,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_of_the_api_manual_do_what_it_says() {
    let tour = Tour::begin().await;
    let blocks = blocks("docs/api.md");
    assert!(!blocks.is_empty());
    type_all(&blocks, tour.folder.path()).await;
}

/// Those with `curl`; the others build, start or test everything.
#[tokio::test(flavor = "multi_thread")]
async fn the_tour_of_the_readme_can_be_taken() {
    let tour = Tour::begin().await;
    let mut blocks = blocks("README.md");
    blocks.retain(|block| block.commands.contains("curl"));
    assert!(!blocks.is_empty());
    type_all(&blocks, tour.folder.path()).await;
}
