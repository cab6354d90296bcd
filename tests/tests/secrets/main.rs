//! No log says what only its owner may know: a whole scene with every process logging all that it can, and
//! then a search for each password, token, key and card number that was in it.
#![expect(clippy::unwrap_used, reason = "helpers of a test fail by panicking")]

mod scenes;
mod visitor;

use std::io::Write;
use std::sync::{Arc, Mutex};

use reen_chassis::config::Environment;
use reen_sims::clerk::{ClerkSim, Config, User};
use reen_testkit::IDENTITY_SECRET;
use reen_tests::{CLERK_SECRET, Mesh, WEBHOOK_SECRET};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;

use scenes::{
    BAD_CARD, GOOD_CARD, NEW_PASSWORD, PASSWORD, STRIPE_KEY, WRONG_PASSWORD, forge,
    go_on_and_change_the_password, make_an_api_key, read_letters, sell_and_buy,
    sign_up_and_fail_to_sign_in, turn_the_second_factor_on,
};
use visitor::Visitor;

/// All of ours, and of the libraries as much as anybody would switch on, but for the visitors' own browser.
const EVERYTHING: &str = "debug,cookie_store=off,reen_auth=trace,reen_products=trace,reen_cart_items=trace,\
     reen_checkout=trace,reen_orders=trace,reen_events_handler=trace,reen_gateway=trace,\
     reen_chassis=trace,reen_mongo=trace,reen_messaging=trace,reen_sims=trace";
const CLERK_KEY: &str = "sk_test_key_of_clerk";

/// Where every log goes.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// From now on, for the whole process.
    fn begin() -> Self {
        let log = Self::default();
        tracing_subscriber::fmt()
            .json()
            .with_env_filter(EnvFilter::new(EVERYTHING))
            .with_span_events(FmtSpan::FULL)
            .with_writer(log.clone())
            .init();
        log
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'writer> MakeWriter<'writer> for Log {
    type Writer = Self;

    fn make_writer(&'writer self) -> Self {
        self.clone()
    }
}

/// A mesh with Clerk's stand-in, at which somebody is signed in.
struct World {
    mesh: Mesh,
    clerk_token: String,
    _clerk: DropGuard,
}

impl World {
    async fn start() -> Self {
        let sim = ClerkSim::build(Config::in_process(CLERK_KEY))
            .await
            .unwrap();
        let (issuer, api, clerk) = (sim.base_url(), sim.api_base(), sim.handle());
        let stop = CancellationToken::new();
        tokio::spawn(sim.run(stop.clone()));
        let settings = [
            ("CLERK_SECRET_KEY", CLERK_KEY),
            ("CLERK_API_BASE", api.as_str()),
            ("CLERK_ISSUER", issuer.as_str()),
            ("STRIPE_SECRET_KEY", STRIPE_KEY),
        ];
        let mesh = Mesh::start_with(&settings).await;
        let ada = User::new("Ada", "Lovelace", "ada@reen.example");
        clerk.keep(&ada);
        Self {
            mesh,
            clerk_token: clerk.token(&ada.id, None).unwrap(),
            _clerk: stop.drop_guard(),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_log_says_what_only_its_owner_may_know() {
    let log = Log::begin();
    let world = World::start().await;
    let mut visitor = Visitor::of(&world.mesh);
    sign_up_and_fail_to_sign_in(&mut visitor).await;
    go_on_and_change_the_password(&mut visitor).await;
    read_letters(&mut visitor, &world.mesh).await;
    sell_and_buy(&mut visitor, &world.mesh).await;
    make_an_api_key(&mut visitor, &world.mesh).await;
    turn_the_second_factor_on(&mut visitor).await;
    forge(&mut visitor, &world.mesh).await;
    let mut ada = Visitor::of(&world.mesh);
    ada.token.clone_from(&world.clerk_token);
    assert_eq!(ada.get("/auth/users/me").await.0, 200);

    let mut secrets = visitor.secrets;
    secrets.extend(ada.secrets);
    secrets.push(world.clerk_token.clone());
    let known = [
        PASSWORD,
        NEW_PASSWORD,
        WRONG_PASSWORD,
        GOOD_CARD,
        BAD_CARD,
        CLERK_KEY,
        STRIPE_KEY,
        CLERK_SECRET,
        WEBHOOK_SECRET,
        IDENTITY_SECRET,
    ];
    secrets.extend(known.map(str::to_owned));
    let sealing = world.mesh.settings().get("AUTH_SECRETS_KEY");
    secrets.extend(sealing.cloned());
    let said = log.text();
    assert!(said.contains("\"DEBUG\""), "the log says all that it can");
    assert!(secrets.len() > known.len() + 4, "there were secrets");
    for line in said.lines() {
        for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
            assert!(
                !line.contains(secret.as_str()),
                "{secret} is in the log: {line}"
            );
        }
        // Tokens that nobody here has kept: those of the services among themselves, and of links.
        assert!(!has_token(line), "a token is in the log: {line}");
    }
}

/// Whether there is something like a signed token: three parts, of which the first begins an object.
fn has_token(line: &str) -> bool {
    let is_inside = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    let words = line.split(|letter: char| !is_inside(letter));
    words.into_iter().any(|word| {
        let parts: Vec<&str> = word.split('.').collect();
        matches!(parts[..], [head, claims, _] if head.starts_with("eyJ") && claims.starts_with("eyJ"))
    })
}

/// Whatever is secret is set, and is not what it must be.
struct Malformed;

const MALFORMED: &str = "not-what-was-asked-for";

impl Environment for Malformed {
    fn get(&self, key: &str) -> Option<String> {
        let mut secret = ["SECRET", "KEY", "URL"].iter();
        let is_secret = secret.any(|part| key.contains(part));
        is_secret.then(|| MALFORMED.to_owned())
    }
}

#[test]
fn no_complaint_about_a_setting_repeats_it() {
    let complaints = [
        reen_auth::Config::read(&Malformed).err(),
        reen_products::Config::read(&Malformed).err(),
        reen_cart_items::Config::read(&Malformed).err(),
        reen_checkout::Config::read(&Malformed).err(),
        reen_orders::Config::read(&Malformed).err(),
        reen_events_handler::Config::read(&Malformed).err(),
        reen_gateway::Config::read(&Malformed).err(),
    ];
    for complaint in complaints.iter().flatten() {
        let complaint = format!("{complaint} {complaint:?}");
        assert!(!complaint.contains(MALFORMED), "{complaint}");
    }
}
