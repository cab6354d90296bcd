//! The rights of the gateways in Redis.

use std::process::{Child, Command};

use reen_backends::{Server, ports, process, redis};
use reen_tests::Mesh;
use reqwest::Client;

use crate::support::Secrets;

fn start(secrets: &Secrets, port: u16) -> Server {
    let program = redis::program().expect("redis-server is installed");
    let (acl, folder) = (secrets.file("redis.acl"), secrets.folder().to_owned());
    let start = move || -> anyhow::Result<Child> {
        let mut command = Command::new(&program);
        command.args(["--port", &port.to_string(), "--protected-mode", "no"]);
        command.args(redis::VOLATILE).arg("--dir").arg(&folder);
        let log = folder.join("redis.log");
        let mut child = process::start_detached(command.arg("--aclfile").arg(&acl), &log)?;
        // Who does not sign in may ask whether it is there.
        redis::wait_until_it_answers(&mut child, port, &log)?;
        Ok(child)
    };
    Server::start(start).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn gateways_count_together_with_the_rights_that_they_are_given() {
    let secrets = Secrets::complete();
    let port = ports::choose().unwrap();
    let _running = start(&secrets, port);
    let url = secrets.text("redis_service_url");
    let url = url
        .trim()
        .replace("@redis:6379", &format!("@127.0.0.1:{port}"));
    let mesh = Mesh::start().await;
    let settings = [
        ("REDIS_SERVICE_URL", url.as_str()),
        ("RATE_LIMIT_READ", "1/2"),
    ];
    let gateways = [
        mesh.another_gateway(&settings).await,
        mesh.another_gateway(&settings).await,
    ];
    let client = Client::new();
    let mut statuses = Vec::new();
    for gateway in gateways.iter().chain(&gateways) {
        let products = format!("http://{}/api/v1/products", gateway.address());
        let answer = client.get(products).send().await.unwrap();
        statuses.push(answer.status().as_u16());
    }
    assert_eq!(statuses, [200, 200, 429, 429]);
}
