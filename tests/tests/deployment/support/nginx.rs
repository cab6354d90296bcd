use std::fs::{self, Permissions};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command};

use reen_backends::process::{find_program, start_detached, wait_ready};
use reen_backends::{Server, ports};
use reen_testkit::{PATIENCE, eventually};
use reen_tests::workspace;
use serde_json::Value;
use tempfile::TempDir;

use super::{Door, Secrets};

/// The configuration as it is deployed, with other addresses; stopped when it is dropped.
pub(crate) struct Nginx {
    _running: Server,
    pub(crate) https: SocketAddr,
    pub(crate) http: SocketAddr,
    secrets: Secrets,
    folder: TempDir,
}

/// What is put into the place of what stands there.
type Exchange<'a> = (&'a str, &'a str);

/// Tests ask faster than people do.
const NO_HURRY: Exchange<'_> = ("rate=50r/s", "rate=100000r/s");

impl Nginx {
    /// Before these gateways.
    pub(crate) fn before(gateways: &[SocketAddr]) -> Self {
        Self::changed(gateways, &[NO_HURRY])
    }

    /// The same as it is deployed but for what is exchanged, each of which must be there.
    pub(crate) fn changed(gateways: &[SocketAddr], exchanged: &[Exchange<'_>]) -> Self {
        let secrets = Secrets::make().0;
        let folder = tempfile::tempdir().unwrap();
        // Its workers are another user's.
        for private in [folder.path(), secrets.folder()] {
            fs::set_permissions(private, Permissions::from_mode(0o755)).unwrap();
        }
        let [http, https, health] = [(); 3].map(|()| ports::choose().unwrap());
        let conf = write(
            &folder,
            &secrets,
            [http, https, health],
            gateways,
            exchanged,
        );
        let program = find_program("nginx").expect("nginx is installed: apt-get install nginx");
        let log = folder.path().join("error.log");
        let start = move || -> anyhow::Result<Child> {
            let mut nginx = Command::new(&program);
            nginx.args(["-g", "daemon off;", "-c"]).arg(&conf);
            let mut child = start_detached(&mut nginx, &log)?;
            let ready = || Ok(ports::answers(https));
            wait_ready("nginx", &mut child, &log, PATIENCE, ready)?;
            Ok(child)
        };
        Self {
            _running: Server::start(start).unwrap(),
            https: local(https),
            http: local(http),
            secrets,
            folder,
        }
    }

    /// Who comes in by it.
    pub(crate) fn door(&self) -> Door {
        Door::to(self, Ipv4Addr::LOCALHOST)
    }

    /// Who comes in from another address of this machine.
    pub(crate) fn door_from(&self, address: Ipv4Addr) -> Door {
        Door::to(self, address)
    }

    /// The certificate by which it is known.
    pub(crate) fn certificate(&self) -> String {
        self.secrets.text("tls/fullchain.pem")
    }

    /// A file that a certificate authority will ask for.
    pub(crate) fn prove(&self, token: &str, proof: &str) {
        let challenges = self.folder.path().join("acme/.well-known/acme-challenge");
        fs::create_dir_all(&challenges).unwrap();
        fs::write(challenges.join(token), proof).unwrap();
    }

    /// What it logged of requests to `path`, once there are `count`.
    pub(crate) async fn logged(&self, path: &str, count: usize) -> Vec<Value> {
        eventually(
            &format!("{count} requests of {path} in the log"),
            async || {
                let log = fs::read_to_string(self.folder.path().join("access.log")).ok()?;
                let complete = log.rsplit_once('\n')?.0;
                let entries = complete
                    .lines()
                    .map(|line| serde_json::from_str(line).unwrap());
                let of_path: Vec<Value> = entries.filter(|it: &Value| it["path"] == path).collect();
                (of_path.len() >= count).then_some(of_path)
            },
        )
        .await
    }
}

/// Tells what may have failed the test.
impl Drop for Nginx {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = fs::read_to_string(self.folder.path().join("access.log")).unwrap_or_default();
            let is_bad = |line: &&str| line.contains("\"status\":\"5");
            for line in log.lines().filter(is_bad) {
                eprintln!("nginx: {line}");
            }
        }
    }
}

/// Copies the configuration, and puts the places of this test into it.
fn write(
    folder: &TempDir,
    secrets: &Secrets,
    [http, https, health]: [u16; 3],
    gateways: &[SocketAddr],
    exchanged: &[Exchange<'_>],
) -> PathBuf {
    let place = folder.path().display();
    let mut all = vec![
        // The first, because the other places may be below it.
        (" /tmp/".to_owned(), format!(" {place}/")),
        (
            "listen 8080 ".to_owned(),
            format!("listen 127.0.0.1:{http} "),
        ),
        (
            "listen 8443 ".to_owned(),
            format!("listen 127.0.0.1:{https} "),
        ),
        ("127.0.0.1:8081".to_owned(), format!("127.0.0.1:{health}")),
        ("/dev/stdout".to_owned(), format!("{place}/access.log")),
        ("/var/www/acme".to_owned(), format!("{place}/acme")),
        (
            "/etc/nginx/tls".to_owned(),
            format!("{}/tls", secrets.folder().display()),
        ),
    ];
    all.extend(
        exchanged
            .iter()
            .map(|(old, new)| ((*old).to_owned(), (*new).to_owned())),
    );
    all.extend(upstreams(gateways));
    let files = fs::read_dir(workspace().join("nginx")).unwrap();
    let mut unmet: Vec<&str> = all.iter().map(|(old, _)| old.as_str()).collect();
    for file in files.map(|entry| entry.unwrap().path()) {
        let mut text = fs::read_to_string(&file).unwrap();
        for (old, new) in &all {
            unmet.retain(|it| *it != old || !text.contains(old));
            text = text.replace(old, new);
        }
        fs::write(folder.path().join(file.file_name().unwrap()), text).unwrap();
    }
    assert!(unmet.is_empty(), "not in the configuration: {unmet:?}");
    folder.path().join("nginx.conf")
}

/// The two gateways of the configuration become those of a test.
fn upstreams(gateways: &[SocketAddr]) -> Vec<(String, String)> {
    let text = fs::read_to_string(workspace().join("nginx/upstream.conf")).unwrap();
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("server "));
    let address = |line: &str| line.split(' ').nth(1).unwrap().to_owned();
    let deployed: Vec<String> = lines.map(address).collect();
    assert_eq!(deployed.len(), gateways.len());
    deployed
        .into_iter()
        .zip(gateways.iter().map(SocketAddr::to_string))
        .collect()
}

fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}
