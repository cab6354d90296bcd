use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::REEN;

/// A variable, a value that is wrong, and how the complaint about it begins.
type Wrong = (&'static str, &'static str, &'static str);

/// What every role reads.
const COMMON: [Wrong; 4] = [
    ("LOG_FORMAT", "loud", "LOG_FORMAT is malformed"),
    ("STOP_SECONDS", "soon", "STOP_SECONDS is malformed"),
    ("BIND_HOST", "here", "BIND_HOST is malformed"),
    (
        "SERVICE_IDENTITY_SECRET",
        "hush",
        "SERVICE_IDENTITY_SECRET: ",
    ),
];

/// The same for each role; what is empty is not set.
const ROLES: [(&str, &[Wrong]); 7] = [
    (
        "auth",
        &[
            ("AUTH_DATABASE_URL", "", "AUTH_DATABASE_URL is not set"),
            ("AUTH_SECRETS_KEY", "hush", "AUTH_SECRETS_KEY"),
            ("AUTH_PORT", "one", "AUTH_PORT is malformed"),
            ("MESSAGE_BROKER_URL", "", "MESSAGE_BROKER_URL is not set"),
        ],
    ),
    (
        "products",
        &[
            (
                "PRODUCTS_DATABASE_URL",
                "",
                "PRODUCTS_DATABASE_URL is not set",
            ),
            (
                "PRODUCTS_ADMIN_PORT",
                "-1",
                "PRODUCTS_ADMIN_PORT is malformed",
            ),
            (
                "CART_ITEMS_SERVICE_URL",
                "carts",
                "CART_ITEMS_SERVICE_URL is malformed",
            ),
        ],
    ),
    (
        "cart-items",
        &[
            (
                "CART_ITEMS_DATABASE_URL",
                "",
                "CART_ITEMS_DATABASE_URL is not set",
            ),
            (
                "PRODUCTS_SERVICE_URL",
                "products",
                "PRODUCTS_SERVICE_URL is malformed",
            ),
        ],
    ),
    (
        "checkout",
        &[
            (
                "CHECKOUT_DATABASE_URL",
                "",
                "CHECKOUT_DATABASE_URL is not set",
            ),
            ("STRIPE_SECRET_KEY", "", "STRIPE_SECRET_KEY is not set"),
            ("CHECKOUT_TTL_MINUTES", "5", "CHECKOUT_TTL_MINUTES must be"),
        ],
    ),
    (
        "orders",
        &[
            ("ORDERS_DATABASE_URL", "", "ORDERS_DATABASE_URL is not set"),
            ("MESSAGE_BROKER_URL", "", "MESSAGE_BROKER_URL is not set"),
        ],
    ),
    (
        "events-handler",
        &[
            ("EVENTS_DATABASE_URL", "", "EVENTS_DATABASE_URL is not set"),
            (
                "EVENTS_HANDLER_PORT",
                "x",
                "EVENTS_HANDLER_PORT is malformed",
            ),
            ("STRIPE_SECRET_KEY", "", "STRIPE_SECRET_KEY is not set"),
        ],
    ),
    (
        "gateway",
        &[
            ("REQUEST_TIMEOUT_MS", "0", "REQUEST_TIMEOUT_MS must be"),
            (
                "TRUSTED_PROXIES",
                "everybody",
                "TRUSTED_PROXIES is malformed",
            ),
            (
                "STRIPE_WEBHOOK_SIGNING_SECRET",
                "",
                "STRIPE_WEBHOOK_SIGNING_SECRET is not set",
            ),
        ],
    ),
];

fn assert_all_named(role: &str, wrong: &[Wrong]) {
    let settings = wrong.iter().map(|(key, value, _)| (key, value));
    let mut command = Command::new(REEN);
    command.args(["serve", role]).env_clear().envs(settings);
    let started = Instant::now();
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{role}: {said}");
    assert!(started.elapsed() < Duration::from_secs(5), "{role}");
    for (_, _, complaint) in wrong {
        assert_eq!(
            said.matches(complaint).count(),
            1,
            "{role}: {complaint} in {said}"
        );
    }
    assert!(!said.contains("hush"), "{role}: {said}");
}

#[test]
fn every_role_names_all_that_is_wrong_at_once() {
    for (role, wrong) in ROLES {
        assert_all_named(role, &[&COMMON, wrong].concat());
    }
}

#[test]
fn all_roles_in_one_process_name_what_is_wrong_with_any_once() {
    let mut wrong = COMMON.to_vec();
    for one in ROLES.iter().flat_map(|(_, wrong)| *wrong) {
        if !wrong.contains(one) {
            wrong.push(*one);
        }
    }
    assert_all_named("all", &wrong);
}
