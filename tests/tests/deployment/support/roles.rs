use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use reen_chassis::config::{ConfigError, Environment};
use serde_json::Value;

use super::{Compose, Secrets, Service};

/// What a role made of the environment of a container.
pub(crate) struct Reading {
    pub(crate) problems: Vec<String>,
    /// Variables that it did not look at.
    pub(crate) ignored: Vec<String>,
    /// Where others call it, and its admin listener.
    pub(crate) listens: Option<[SocketAddr; 2]>,
}

/// What `main` reads for every role.
const LOGGING: [&str; 2] = ["RUST_LOG", "LOG_FORMAT"];

struct Container<'a> {
    variables: BTreeMap<String, String>,
    secrets: Option<(&'a Secrets, &'a Compose, &'a Service)>,
    asked: RefCell<BTreeSet<String>>,
}

impl Container<'_> {
    /// Where a secret that is mounted lies in the folder of this test.
    fn secret(&self, path: &str) -> Option<String> {
        let (secrets, compose, service) = self.secrets.as_ref()?;
        let name = path.strip_prefix("/run/secrets/")?;
        let mounted = service.secrets.iter().any(|each| each.source == name);
        assert!(mounted, "{path} is not mounted");
        let file = compose.secrets.get(name)?.file.file_name()?;
        Some(secrets.folder().join(file).display().to_string())
    }

    /// A file that is mounted below a folder.
    fn certificate(&self, path: &str) -> Option<String> {
        let (secrets, _, service) = self.secrets.as_ref()?;
        let name = path.strip_prefix("/run/mesh/")?;
        let mut volumes = service.volumes.iter().filter_map(Value::as_str);
        let source = volumes.find_map(|volume| volume.strip_suffix(":/run/mesh:ro"))?;
        let (_, folder) = source.split_once("/deploy/secrets/")?;
        let file = secrets.folder().join(folder).join(name);
        Some(file.display().to_string())
    }
}

impl Environment for Container<'_> {
    fn get(&self, key: &str) -> Option<String> {
        self.asked.borrow_mut().insert(key.to_owned());
        let value = self.variables.get(key).filter(|value| !value.is_empty())?;
        match value {
            path if path.starts_with("/run/secrets/") => self.secret(path),
            path if path.starts_with("/run/mesh/") => self.certificate(path),
            value => Some(value.clone()),
        }
    }
}

/// Has a role read what a container would give it.
pub(crate) fn read(
    compose: &Compose,
    secrets: Option<&Secrets>,
    role: &str,
    service: &Service,
) -> Reading {
    let variable = |key: &String| Some((key.clone(), service.variable(key)?));
    let container = Container {
        variables: service.environment.keys().filter_map(variable).collect(),
        secrets: secrets.map(|secrets| (secrets, compose, service)),
        asked: RefCell::default(),
    };
    let outcome = listeners(role, &container);
    let asked = container.asked.borrow();
    let is_ignored = |key: &&String| !asked.contains(*key) && !LOGGING.contains(&key.as_str());
    let (problems, listens) = match outcome {
        Ok(listens) => (Vec::new(), Some(listens)),
        Err(error) => (error.problems, None),
    };
    Reading {
        problems,
        ignored: container
            .variables
            .keys()
            .filter(is_ignored)
            .cloned()
            .collect(),
        listens,
    }
}

macro_rules! service {
    ($app:ident, $container:expr) => {
        $app::Config::read($container).map(|config| [config.listen.grpc, config.listen.admin])
    };
}

fn listeners(role: &str, container: &Container<'_>) -> Result<[SocketAddr; 2], ConfigError> {
    match role {
        "auth" => service!(reen_auth, container),
        "products" => service!(reen_products, container),
        "cart-items" => service!(reen_cart_items, container),
        "checkout" => service!(reen_checkout, container),
        "orders" => service!(reen_orders, container),
        "events-handler" => service!(reen_events_handler, container),
        "gateway" => reen_gateway::Config::read(container).map(|it| [it.listen, it.admin]),
        unknown => panic!("{unknown} is no role"),
    }
}
