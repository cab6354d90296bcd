//! The compose files: docker-compose takes them, and they say what the processes read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use reen_tests::workspace;
use serde_json::{Value, json};
use url::Url;

use crate::support::{Compose, Secrets, Service};

const ROLES: [&str; 7] = [
    "auth",
    "cart-items",
    "checkout",
    "events-handler",
    "gateway",
    "orders",
    "products",
];

#[test]
fn development_gives_every_role_what_it_reads_and_nothing_else() {
    assert_each_role_is_given_what_it_reads(&Compose::development(), None);
}

#[test]
fn production_gives_every_role_what_it_reads_and_nothing_else() {
    let secrets = Secrets::complete();
    assert_each_role_is_given_what_it_reads(&Compose::production(), Some(&secrets));
}

fn assert_each_role_is_given_what_it_reads(compose: &Compose, secrets: Option<&Secrets>) {
    let roles: BTreeSet<&str> = compose.roles().map(|(_, role, _)| role).collect();
    assert!(roles.iter().eq(&ROLES), "{roles:?}");
    for (name, role, service) in compose.roles() {
        let reading = compose.read(secrets, role, service);
        assert!(
            reading.problems.is_empty(),
            "{name}: {:?}",
            reading.problems
        );
        assert!(reading.ignored.is_empty(), "{name}: {:?}", reading.ignored);
    }
}

#[test]
fn addresses_of_services_and_health_checks_are_where_the_roles_listen() {
    let secrets = Secrets::complete();
    for (compose, secrets) in [
        (Compose::development(), None),
        (Compose::production(), Some(&secrets)),
    ] {
        let mut listens = BTreeMap::new();
        for (name, role, service) in compose.roles() {
            let [address, admin] = compose.read(secrets, role, service).listens.unwrap();
            assert!(address.ip().is_unspecified(), "{name}: {address}");
            let check = format!("http://127.0.0.1:{}", admin.port());
            assert_eq!(service.health(), ["CMD", "reen", "health", &check]);
            listens.insert(name, address.port());
        }
        for (name, _, service) in compose.roles() {
            for (key, peer) in peers(service) {
                let port = peer.host_str().and_then(|host| listens.get(host)).copied();
                assert_eq!(peer.port(), port, "{name}: {key}={peer}");
            }
        }
    }
}

fn peers(service: &Service) -> impl Iterator<Item = (&String, Url)> {
    let keys = service.environment.keys();
    let of_services = keys.filter(|key| key.ends_with("_SERVICE_URL") && !key.starts_with("REDIS"));
    of_services.filter_map(|key| Some((key, service.variable(key)?.parse().ok()?)))
}

#[test]
fn the_operators_commands_find_the_services_and_the_databases() {
    let compose = Compose::production();
    let operator = &compose.services["operator"];
    let is_there = |key: &String| operator.environment.contains_key(key);
    let services = ["AUTH", "PRODUCTS", "EVENTS_HANDLER"];
    let databases = [
        "AUTH",
        "PRODUCTS",
        "CART_ITEMS",
        "CHECKOUT",
        "ORDERS",
        "EVENTS",
    ];
    let urls = services.map(|service| format!("{service}_SERVICE_URL"));
    assert!(urls.iter().all(is_there));
    let files = databases.map(|database| format!("{database}_DATABASE_URL_FILE"));
    assert!(files.iter().all(is_there));
    for file in operator.environment.values().filter_map(Value::as_str) {
        if let Some(name) = file.strip_prefix("/run/secrets/") {
            assert!(
                operator.secrets.iter().any(|it| it.source == name),
                "{name}"
            );
        }
    }
}

#[test]
fn every_variable_is_explained() {
    let example = std::fs::read_to_string(workspace().join(".env.example")).unwrap();
    let explained = |key: &str| {
        example
            .lines()
            .any(|line| line.starts_with(&format!("{key}=")))
    };
    for compose in [Compose::development(), Compose::production()] {
        let sims = ["stripe", "clerk"].map(|sim| compose.services.get(sim));
        let roles = compose.roles().map(|(_, _, service)| service);
        for key in roles
            .chain(sims.into_iter().flatten())
            .flat_map(|it| it.environment.keys())
        {
            let name = key.strip_suffix("_FILE").unwrap_or(key);
            assert!(explained(name), "{name} is not in .env.example");
        }
    }
}

#[test]
fn in_production_secrets_are_files_that_exist() {
    let (secrets, said) = Secrets::make();
    let compose = Compose::production();
    let made: BTreeSet<String> = secrets.names().into_iter().collect();
    let file = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    let mounted: BTreeSet<String> = compose.secrets.values().map(|it| file(&it.file)).collect();
    assert_eq!(made, mounted);

    let empty = "stripe_secret_key stripe_webhook_signing_secret smtp_url";
    assert!(said.trim_end().ends_with(empty), "{said}");
    let before = secrets.text("auth_database_url");
    secrets.make_missing();
    assert_eq!(
        secrets.text("auth_database_url"),
        before,
        "it was made anew"
    );

    for (name, service) in &compose.services {
        let shown: Vec<&String> = shown_secrets(service).collect();
        assert!(shown.is_empty(), "{name}: {shown:?}");
    }
}

/// Variables that would show a secret to whoever inspects the container, because it is no path.
fn shown_secrets(service: &Service) -> impl Iterator<Item = &String> {
    const ENDS: [&str; 5] = [
        "_SECRET",
        "_KEY",
        "_DATABASE_URL",
        "_BROKER_URL",
        "SMTP_URL",
    ];
    let is_path = |key: &str| {
        service
            .variable(key)
            .is_some_and(|it| it.starts_with("/run/"))
    };
    let is_secret =
        |key: &str| key == "REDIS_SERVICE_URL" || ENDS.iter().any(|end| key.ends_with(end));
    let keys = service.environment.keys();
    keys.filter(move |key| is_secret(key) && !is_path(key))
}

#[test]
fn in_production_only_nginx_can_be_reached() {
    let compose = Compose::production();
    for (name, service) in &compose.services {
        let ports = service.ports.len();
        assert_eq!(ports, if name == "nginx" { 2 } else { 0 }, "{name}");
    }
}

#[test]
fn in_production_every_container_is_bounded() {
    let compose = Compose::production();
    for (name, service) in &compose.services {
        let rest = &service.rest;
        assert!(rest.contains_key("restart"), "{name}");
        assert_eq!(rest["logging"]["options"]["max-size"], "20m", "{name}");
        assert_eq!(
            rest["security_opt"],
            json!(["no-new-privileges:true"]),
            "{name}"
        );
        // Certbot runs for a minute, when somebody types it.
        if name != "certbot" {
            for limit in ["mem_limit", "cpus", "pids_limit"] {
                assert!(rest.contains_key(limit), "{name}: {limit}");
            }
        }
    }
    for (name, _, service) in compose.roles() {
        assert_eq!(service.rest["read_only"], true, "{name}");
        assert_eq!(service.rest["cap_drop"], json!(["ALL"]), "{name}");
    }
}

#[test]
fn nginx_finds_the_gateways_which_believe_nobody_else() {
    let compose = Compose::production();
    let address = |service: &Service| {
        let address = service.networks["edge"]["ipv4_address"].as_str();
        address.expect("a fixed address").to_owned()
    };
    let upstream = std::fs::read_to_string(workspace().join("nginx/upstream.conf")).unwrap();
    let servers = upstream
        .lines()
        .filter_map(|line| line.trim().strip_prefix("server "));
    let servers: Vec<&str> = servers.filter_map(|line| line.split(' ').next()).collect();
    let gateways = compose.roles().filter(|(_, role, _)| *role == "gateway");
    let gateways: Vec<&Service> = gateways.map(|(_, _, service)| service).collect();
    let addresses = gateways
        .iter()
        .map(|gateway| format!("{}:8000", address(gateway)));
    assert!(servers.len() > 1 && addresses.eq(servers));
    let nginx = address(&compose.services["nginx"]);
    for gateway in gateways {
        assert_eq!(gateway.variable("TRUSTED_PROXIES").as_ref(), Some(&nginx));
    }
}

#[test]
fn what_is_mounted_from_here_is_here() {
    let compose = Compose::production();
    let volumes = compose
        .services
        .values()
        .flat_map(|service| &service.volumes);
    let sources = volumes
        .filter_map(Value::as_str)
        .filter_map(|it| it.split(':').next());
    let here: Vec<&str> = sources.filter(|source| source.starts_with('/')).collect();
    assert!(here.len() >= 3, "{here:?}");
    for source in here {
        let is_made = source.contains("deploy/secrets");
        assert!(is_made || Path::new(source).exists(), "{source}");
    }
}
