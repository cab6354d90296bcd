//! Who may reach whom, against whom the processes are told of.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use url::Url;

use super::overlays;
use crate::support::{Cluster, Pod};

/// Who calls whom, and at which port.
type Calls = BTreeSet<(String, String, u16)>;

#[test]
fn nobody_reaches_anybody_who_is_not_named() {
    for (overlay, cluster) in overlays() {
        let nobody = &cluster.named("NetworkPolicy", "nobody")["spec"];
        assert_eq!(nobody["podSelector"], json!({}));
        assert_eq!(nobody["policyTypes"], json!(["Ingress", "Egress"]));
        assert!(nobody["ingress"].is_null() && nobody["egress"].is_null());
        for policy in cluster.of_kind("NetworkPolicy") {
            let name = &policy["metadata"]["name"];
            let selector = &policy["spec"]["podSelector"];
            let pods = cluster.pods();
            let picks = pods.iter().filter(|pod| pod.is_picked(selector));
            assert!(picks.count() > 0, "{overlay}: {name} is about nobody");
        }
    }
}

#[test]
fn each_process_may_call_those_it_is_told_of_and_no_others() {
    for (overlay, cluster) in overlays() {
        let told: Calls = cluster
            .processes()
            .iter()
            .flat_map(|it| told(cluster, it))
            .collect();
        assert!(!told.is_empty());
        assert_eq!(allowed_out(cluster), told, "{overlay}: to go out");
        assert_eq!(allowed_in(cluster), told, "{overlay}: to come in");
    }
}

/// The peers that a process has addresses of.
fn told(cluster: &Cluster, (role, pod): &(String, Pod<'_>)) -> Calls {
    let variables = cluster.variables(pod).into_iter();
    let peers = variables.filter(|(key, _)| key.ends_with("_SERVICE_URL"));
    let urls = peers.map(|(_, url)| url.parse::<Url>().unwrap());
    urls.map(|url| {
        let host = url.host_str().unwrap().to_owned();
        (role.clone(), host, url.port().unwrap())
    })
    .collect()
}

/// The role that a rule is about, where it is about one.
fn role(selector: &Value) -> Option<String> {
    let role = selector["matchLabels"]["role"].as_str()?;
    Some(role.to_owned())
}

fn each(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn allowed_out(cluster: &Cluster) -> Calls {
    let mut calls = Calls::new();
    for policy in cluster.of_kind("NetworkPolicy") {
        let Some(caller) = role(&policy["spec"]["podSelector"]) else {
            continue;
        };
        for rule in each(&policy["spec"]["egress"]) {
            let port = u16::try_from(rule["ports"][0]["port"].as_u64().unwrap()).unwrap();
            let callees = each(&rule["to"]).filter_map(|to| role(&to["podSelector"]));
            calls.extend(callees.map(|callee| (caller.clone(), callee, port)));
        }
    }
    calls
}

fn allowed_in(cluster: &Cluster) -> Calls {
    let pods: BTreeMap<String, Pod<'_>> = cluster.processes().into_iter().collect();
    let mut calls = Calls::new();
    for policy in cluster.of_kind("NetworkPolicy") {
        let Some(callee) = role(&policy["spec"]["podSelector"]) else {
            continue;
        };
        for rule in each(&policy["spec"]["ingress"]) {
            let port = super::ports(&pods[&callee])[rule["ports"][0]["port"].as_str().unwrap()];
            let callers = each(&rule["from"]).filter_map(|from| role(&from["podSelector"]));
            calls.extend(callers.map(|caller| (caller, callee.clone(), port)));
        }
    }
    calls
}

#[test]
fn each_process_reaches_the_stores_that_it_has_an_address_of() {
    /// A label, and the settings that ask for it.
    const STORES: [(&str, &[&str]); 4] = [
        ("reaches-mongodb", &["_DATABASE_URL_FILE"]),
        ("reaches-rabbitmq", &["MESSAGE_BROKER_URL_FILE"]),
        ("reaches-redis", &["REDIS_SERVICE_URL_FILE"]),
        (
            "reaches-outside",
            &[
                "STRIPE_SECRET_KEY_FILE",
                "CLERK_SECRET_KEY_FILE",
                "CLERK_ISSUER",
                "SMTP_URL_FILE",
            ],
        ),
    ];
    for (overlay, cluster) in overlays() {
        for (role, pod) in cluster.processes() {
            let variables = cluster.variables(&pod);
            for (label, settings) in STORES {
                let asks = |key: &String| settings.iter().any(|setting| key.ends_with(setting));
                let wanted = variables.keys().any(asks);
                assert_eq!(
                    pod.labels.contains_key(label),
                    wanted,
                    "{overlay}, {role}: {label}"
                );
            }
        }
        for (label, _) in STORES {
            let selector = json!({"matchLabels": {label: "true"}});
            let mut policies = cluster.of_kind("NetworkPolicy");
            let opens = policies.any(|it| it["spec"]["podSelector"] == selector);
            assert!(opens, "{overlay}: nothing opens the way for {label}");
        }
    }
}
