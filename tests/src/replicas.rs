use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use reen_backends::ports;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

use url::Url;

use crate::counted::count_calls;
use crate::{GatewayReplica, Mesh};

type Settings = HashMap<String, String>;

/// Several replicas of every service, on the databases of a mesh, each of which knows all the others; and
/// gateways that ask only them.
pub struct Replicas {
    services: HashMap<&'static str, Vec<ServiceReplica>>,
    gateways: Vec<GatewayReplica>,
}

impl Replicas {
    /// The names of the services, as prefixes of their settings.
    pub const SERVICES: [&str; 5] = ["AUTH", "PRODUCTS", "CART_ITEMS", "CHECKOUT", "ORDERS"];

    /// Starts `count` of each service, and two gateways.
    ///
    /// # Panics
    /// When one does not start.
    pub async fn start(mesh: &Mesh, count: usize) -> Self {
        let mut settings = mesh.settings().clone();
        let mut places = Vec::new();
        for service in Self::SERVICES {
            let doors: Vec<_> = (0..count).map(|_| free_address()).collect();
            let urls: Vec<_> = doors.iter().map(|door| format!("http://{door}")).collect();
            settings.insert(format!("{service}_SERVICE_URL"), urls.join(","));
            places.push((service, doors));
        }
        let mut services = HashMap::new();
        for (service, doors) in places {
            let starting = doors
                .into_iter()
                .map(|door| ServiceReplica::start(service, door, settings.clone()));
            services.insert(service, futures::future::join_all(starting).await);
        }
        let mut gateways = Vec::new();
        for _ in 0..2 {
            gateways.push(GatewayReplica::start(settings.clone()).await);
        }
        Self { services, gateways }
    }

    /// The gateways' addresses.
    #[must_use]
    pub fn gateways(&self) -> Vec<String> {
        let each = self.gateways.iter();
        each.map(|gateway| format!("http://{}", gateway.address()))
            .collect()
    }

    /// Where the replicas of a service are.
    ///
    /// # Panics
    /// When there is no such service.
    #[must_use]
    pub fn urls(&self, service: &str) -> Vec<Url> {
        let replicas = self.services[service].iter();
        let url = |replica: &ServiceReplica| format!("http://{}", replica.door).parse();
        replicas
            .map(|replica| url(replica).expect("a URL"))
            .collect()
    }

    /// How many calls each replica of a service was sent.
    ///
    /// # Panics
    /// When there is no such service.
    #[must_use]
    pub fn calls(&self, service: &str) -> Vec<usize> {
        let replicas = self.services[service].iter();
        replicas
            .map(|replica| replica.calls.load(Ordering::SeqCst))
            .collect()
    }

    /// Ends one replica in the middle of whatever it does.
    ///
    /// # Panics
    /// When there is no such replica.
    pub fn kill(&mut self, service: &str, number: usize) {
        let replicas = self.services.get_mut(service).expect("a service");
        replicas[number].kill();
    }
}

/// A process of a service: its listener, and its door, where calls are counted. Both are on one runtime,
/// so that all of it can be killed at once.
struct ServiceReplica {
    door: SocketAddr,
    calls: Arc<AtomicUsize>,
    runtime: Option<Runtime>,
}

impl ServiceReplica {
    async fn start(service: &'static str, door: SocketAddr, mut settings: Settings) -> Self {
        let inside = free_address();
        settings.insert(format!("{service}_PORT"), inside.port().to_string());
        let mut threads = Builder::new_multi_thread();
        let runtime = threads.worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let calls = Arc::new(AtomicUsize::new(0));
        let counting = calls.clone();
        let started = runtime.spawn(async move {
            serve(service, &settings).await;
            let listener = TcpListener::bind(door).await.expect("a free port");
            tokio::spawn(count_calls(listener, inside, counting));
        });
        started.await.expect("it started");
        Self {
            door,
            calls,
            runtime: Some(runtime),
        }
    }

    fn kill(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for ServiceReplica {
    fn drop(&mut self) {
        // A runtime that is dropped waits for its tasks, which nobody may do in another one.
        self.kill();
    }
}

/// Builds an app from the settings and runs it for as long as its runtime.
macro_rules! serve {
    ($app:ident, $settings:expr) => {{
        let config = $app::Config::read($settings).expect("complete settings");
        let app = $app::App::build(config).await.expect("the app starts");
        tokio::spawn(app.run(CancellationToken::new()));
    }};
}

async fn serve(service: &str, settings: &Settings) {
    match service {
        "AUTH" => serve!(reen_auth, settings),
        "PRODUCTS" => serve!(reen_products, settings),
        "CART_ITEMS" => serve!(reen_cart_items, settings),
        "CHECKOUT" => serve!(reen_checkout, settings),
        _ => serve!(reen_orders, settings),
    }
}

fn free_address() -> SocketAddr {
    let port = ports::choose().expect("a free port");
    SocketAddr::from(([127, 0, 0, 1], port))
}
