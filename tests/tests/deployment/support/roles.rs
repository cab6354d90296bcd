use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use reen_chassis::config::{ConfigError, Environment};

/// What a role made of the environment of a container.
pub(crate) struct Reading {
    pub(crate) problems: Vec<String>,
    /// Variables that it did not look at.
    pub(crate) ignored: Vec<String>,
    /// Where others call it, and its admin listener.
    pub(crate) listens: Option<[SocketAddr; 2]>,
}

/// What `main` reads for every role.
const LOGGING: [&str; 7] = [
    "RUST_LOG",
    "LOG_FORMAT",
    "DRAIN_SECONDS",
    "STOP_SECONDS",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_TRACES_SAMPLER_ARG",
];

type Locate<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// What a role sees where it runs.
pub(crate) struct Container<'a> {
    pub(crate) variables: BTreeMap<String, String>,
    /// Where a path of the container lies in the folder of this test.
    pub(crate) locate: Box<Locate<'a>>,
}

/// The environment of a container, which notes what is asked for.
struct Asked<'a> {
    container: &'a Container<'a>,
    keys: RefCell<BTreeSet<String>>,
}

impl Environment for Asked<'_> {
    fn get(&self, key: &str) -> Option<String> {
        self.keys.borrow_mut().insert(key.to_owned());
        let value = self.container.variables.get(key);
        match value.filter(|value| !value.is_empty())? {
            path if path.starts_with("/run/") => (self.container.locate)(path),
            value => Some(value.clone()),
        }
    }
}

/// Has a role read what a container would give it.
pub(crate) fn read(role: &str, container: &Container<'_>) -> Reading {
    let environment = Asked {
        container,
        keys: RefCell::default(),
    };
    let outcome = listeners(role, &environment);
    let asked = environment.keys.borrow();
    let is_ignored = |key: &&String| !asked.contains(*key) && !LOGGING.contains(&key.as_str());
    let (problems, listens) = match outcome {
        Ok(listens) => (Vec::new(), Some(listens)),
        Err(error) => (error.problems, None),
    };
    let variables = container.variables.keys();
    Reading {
        problems,
        ignored: variables.filter(is_ignored).cloned().collect(),
        listens,
    }
}

macro_rules! service {
    ($app:ident, $environment:expr) => {
        $app::Config::read($environment).map(|config| [config.listen.grpc, config.listen.admin])
    };
}

fn listeners(role: &str, environment: &Asked<'_>) -> Result<[SocketAddr; 2], ConfigError> {
    match role {
        "auth" => service!(reen_auth, environment),
        "products" => service!(reen_products, environment),
        "cart-items" => service!(reen_cart_items, environment),
        "checkout" => service!(reen_checkout, environment),
        "orders" => service!(reen_orders, environment),
        "events-handler" => service!(reen_events_handler, environment),
        "gateway" => reen_gateway::Config::read(environment).map(|it| [it.listen, it.admin]),
        unknown => panic!("{unknown} is no role"),
    }
}
