use std::collections::HashMap;
use std::net::SocketAddr;

use reen_backends::ports;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

/// A second gateway of a mesh. It has a runtime of its own, so that it can be killed: every connection
/// breaks at once, as when its machine fails.
pub struct GatewayReplica {
    address: SocketAddr,
    settings: HashMap<String, String>,
    runtime: Option<Runtime>,
}

impl GatewayReplica {
    pub(crate) async fn start(mut settings: HashMap<String, String>) -> Self {
        let port = ports::choose().expect("a free port");
        settings.insert("PORT".to_owned(), port.to_string());
        let (address, runtime) = run(&settings).await;
        Self {
            address,
            settings,
            runtime: Some(runtime),
        }
    }

    /// Where it serves, or did.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it in the middle of whatever it does.
    pub fn kill(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }

    /// Starts it again on the address that it had.
    ///
    /// # Panics
    /// When somebody else has the address by now.
    pub async fn restart(&mut self) {
        self.kill();
        let (_, runtime) = run(&self.settings).await;
        self.runtime = Some(runtime);
    }
}

impl Drop for GatewayReplica {
    fn drop(&mut self) {
        // A runtime that is dropped waits for its tasks, which nobody may do in another one.
        self.kill();
    }
}

async fn run(settings: &HashMap<String, String>) -> (SocketAddr, Runtime) {
    let config = reen_gateway::Config::read(settings).expect("complete settings");
    let mut threads = Builder::new_multi_thread();
    let runtime = threads.worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let starting = runtime.spawn(async {
        let gateway = reen_gateway::App::build(config).await;
        let gateway = gateway.expect("the gateway starts");
        let address = gateway.address().expect("bound");
        tokio::spawn(gateway.run(CancellationToken::new()));
        address
    });
    (starting.await.expect("it started"), runtime)
}
