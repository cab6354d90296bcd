//! The overlays for Kubernetes: its own schemas take them, they say what the processes read, and what is promised
//! of every process.

mod network;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::Command;

use reen_tests::python_program;
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::support::{Cluster, Compose, Pod};

const ROLES: [&str; 7] = [
    "auth",
    "cart-items",
    "checkout",
    "events-handler",
    "gateway",
    "orders",
    "products",
];

fn overlays() -> [(&'static str, &'static Cluster); 2] {
    [
        ("development", Cluster::development()),
        ("production", Cluster::production()),
    ]
}

#[test]
fn its_schemas_take_every_object() {
    for (overlay, cluster) in overlays() {
        let mut validate = Command::new(python_program("kubernetes-validate"));
        validate.args(["--strict", "--quiet"]);
        let mut manifests = NamedTempFile::new().unwrap();
        manifests.write_all(&cluster.manifests).unwrap();
        let output = validate.arg(manifests.path()).output().unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{overlay}: {complaint}");
    }
}

#[test]
fn every_role_is_given_what_it_reads_and_nothing_else() {
    for (overlay, cluster) in overlays() {
        let roles: BTreeSet<String> = cluster.roles().into_iter().map(|(role, _)| role).collect();
        assert!(roles.iter().eq(&ROLES), "{overlay}: {roles:?}");
        for (role, pod) in cluster.roles() {
            assert_eq!(pod.container()["args"], json!(["serve", role]));
            let reading = cluster.read(&role, &pod);
            let problems = reading.problems;
            assert!(problems.is_empty(), "{overlay}, {role}: {problems:?}");
            let ignored = reading.ignored;
            assert!(ignored.is_empty(), "{overlay}, {role}: {ignored:?}");
        }
    }
}

/// A setting with a default can be forgotten without a complaint; then the two differ.
#[test]
fn every_role_is_told_the_same_as_in_the_compose_file() {
    let (cluster, compose) = (Cluster::production(), Compose::production());
    let pods: BTreeMap<String, Pod<'_>> = cluster.processes().into_iter().collect();
    let roles = compose.roles().map(|(_, role, service)| (role, service));
    let operator = ("operator", &compose.services["operator"]);
    for (role, service) in roles.chain([operator]) {
        let mut there = cluster.variables(&pods[role]);
        there.remove("POD_NAME");
        let there: BTreeSet<String> = there.into_keys().collect();
        let here: BTreeSet<String> = service.environment.keys().cloned().collect();
        assert_eq!(there, here, "{role}");
        let mounted: BTreeSet<String> =
            service.secrets.iter().map(|it| it.source.clone()).collect();
        let secrets = cluster.secrets(&pods[role]);
        let secrets: BTreeSet<String> = secrets
            .into_iter()
            .filter(|it| !it.ends_with(".pem"))
            .collect();
        assert_eq!(secrets, mounted, "{role}");
    }
}

#[test]
fn services_and_probes_lead_to_where_the_roles_listen() {
    for (_, cluster) in overlays() {
        for (role, pod) in cluster.roles() {
            let [address, admin] = cluster.read(&role, &pod).listens.unwrap();
            assert!(address.ip().is_unspecified(), "{role}: {address}");
            let ports = ports(&pod);
            assert_eq!(ports["admin"], admin.port(), "{role}");
            let service = &cluster.named("Service", &role)["spec"];
            assert_eq!(service["selector"], json!({"role": role}));
            let target = service["ports"][0]["targetPort"].as_str().unwrap();
            assert_eq!(ports[target], address.port(), "{role}");
            assert_eq!(service["ports"][0]["port"], address.port(), "{role}");
            // Callers of gRPC find every replica themselves.
            let headless = service["clusterIP"] == "None";
            assert_eq!(headless, role != "gateway", "{role}");
            for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
                assert_eq!(pod.container()[probe]["httpGet"]["port"], "admin", "{role}");
            }
        }
    }
}

fn ports(pod: &Pod<'_>) -> BTreeMap<String, u16> {
    let ports = pod.container()["ports"].as_array().unwrap();
    let port = |port: &Value| {
        let number = port["containerPort"].as_u64().unwrap();
        (
            port["name"].as_str().unwrap().to_owned(),
            u16::try_from(number).unwrap(),
        )
    };
    ports.iter().map(port).collect()
}

#[test]
fn of_every_role_two_run_and_one_may_go() {
    let cluster = Cluster::production();
    for (role, pod) in cluster.roles() {
        let deployment = &cluster.named("Deployment", &role)["spec"];
        assert_eq!(deployment["replicas"], Value::Null, "the autoscaler's");
        let rolling = json!({"maxSurge": 1, "maxUnavailable": 0});
        assert_eq!(deployment["strategy"]["rollingUpdate"], rolling);
        assert!(pod.is_picked(&deployment["selector"]), "{role}");

        let scaler = &cluster.named("HorizontalPodAutoscaler", &role)["spec"];
        assert_eq!(scaler["scaleTargetRef"]["name"], role);
        assert_eq!(scaler["minReplicas"], 2, "{role}");
        let budget = &cluster.named("PodDisruptionBudget", &role)["spec"];
        assert!(pod.is_picked(&budget["selector"]), "{role}");
        assert_eq!(budget["maxUnavailable"], 1, "{role}");
        for spread in pod.spec["topologySpreadConstraints"].as_array().unwrap() {
            assert!(pod.is_picked(&spread["labelSelector"]), "{role}");
        }
    }
}

#[test]
fn a_process_has_time_to_end_by_itself() {
    for (overlay, cluster) in overlays() {
        for (role, pod) in cluster.roles() {
            let limit: u64 = cluster.variables(&pod)["STOP_SECONDS"].parse().unwrap();
            let grace = pod.spec["terminationGracePeriodSeconds"].as_u64();
            assert!(grace > Some(limit), "{overlay}, {role}");
        }
    }
}

#[test]
fn nothing_of_ours_has_a_privilege() {
    for (overlay, cluster) in overlays() {
        for (_, pod) in cluster.processes() {
            let name = format!("{overlay}, {}", pod.name);
            assert_eq!(pod.spec["serviceAccountName"], "reen", "{name}");
            let runs_as = &pod.spec["securityContext"];
            assert_eq!(runs_as["runAsNonRoot"], true, "{name}");
            assert_eq!(runs_as["runAsUser"], 65532, "{name}");
            assert_eq!(
                runs_as["seccompProfile"]["type"], "RuntimeDefault",
                "{name}"
            );
            let may = json!({
                "allowPrivilegeEscalation": false,
                "readOnlyRootFilesystem": true,
                "capabilities": {"drop": ["ALL"]},
            });
            assert_eq!(pod.container()["securityContext"], may, "{name}");
        }
    }
}

#[test]
fn every_container_is_bounded_and_knows_nothing_of_kubernetes() {
    for (overlay, cluster) in overlays() {
        for pod in cluster.pods() {
            let name = format!("{overlay}, {}", pod.name);
            let limits = &pod.container()["resources"]["limits"];
            assert!(
                limits["memory"].is_string() && limits["cpu"].is_string(),
                "{name}"
            );
            assert_eq!(pod.spec["automountServiceAccountToken"], false, "{name}");
            // AUTH_PORT=tcp://… would be taken for a setting.
            assert_eq!(pod.spec["enableServiceLinks"], false, "{name}");
            for shared in ["hostNetwork", "hostPID", "hostIPC"] {
                assert_eq!(pod.spec[shared], Value::Null, "{name}");
            }
            let image = pod.container()["image"].as_str().unwrap();
            let tag = image.split_once([':', '@']).map(|(_, tag)| tag);
            assert!(tag.is_some_and(|tag| tag != "latest"), "{name}: {image}");
        }
    }
}

#[test]
fn in_production_no_secret_is_a_variable() {
    let cluster = Cluster::production();
    for (role, pod) in cluster.processes() {
        for (key, value) in cluster.variables(&pod) {
            let url_with_password = value.contains("://") && value.contains('@');
            let is_path = value.starts_with("/run/secrets/");
            assert_eq!(
                key.ends_with("_FILE"),
                is_path && !key.starts_with("SERVICE_TLS"),
                "{role}: {key}"
            );
            assert!(!url_with_password, "{role}: {key}");
        }
    }
    let namespace = &cluster.named("Namespace", "reen")["metadata"]["labels"];
    assert_eq!(
        namespace["pod-security.kubernetes.io/enforce"],
        "restricted"
    );
}

#[test]
fn the_door_leads_to_the_gateway_with_a_certificate_that_is_there() {
    let cluster = Cluster::production();
    let ingress = &cluster.named("Ingress", "gateway")["spec"];
    let certificate = ingress["tls"][0]["secretName"].as_str().unwrap();
    assert_eq!(
        cluster.named("Secret", certificate)["type"],
        "kubernetes.io/tls"
    );
    assert_eq!(ingress["tls"][0]["hosts"][0], ingress["rules"][0]["host"]);
    let backend = &ingress["rules"][0]["http"]["paths"][0]["backend"]["service"];
    assert_eq!(backend["name"], "gateway");
    let port = &cluster.named("Service", "gateway")["spec"]["ports"][0]["name"];
    assert_eq!(&backend["port"]["name"], port);
}
