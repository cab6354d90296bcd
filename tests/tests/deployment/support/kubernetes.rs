use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reen_tests::{python_program, workspace};
use serde::Deserialize as _;
use serde_json::Value;

use super::{Container, Reading, Secrets, read};

/// What an overlay makes of a cluster, as kustomize puts it together.
pub(crate) struct Cluster {
    pub(crate) objects: Vec<Value>,
    /// The text that `kubectl apply` would send.
    pub(crate) manifests: Vec<u8>,
}

static DEVELOPMENT: LazyLock<Cluster> = LazyLock::new(|| Cluster::build("development", None));
static PRODUCTION: LazyLock<Cluster> =
    LazyLock::new(|| Cluster::build("production", Some(&Secrets::complete())));

/// What runs in a pod, be it of a Deployment or of a job.
pub(crate) struct Pod<'a> {
    /// Kind and name of what makes it.
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) spec: &'a Value,
}

impl Cluster {
    /// That of a developer's machine.
    pub(crate) fn development() -> &'static Self {
        &DEVELOPMENT
    }

    /// That of production, with secrets as the operator would put them there.
    pub(crate) fn production() -> &'static Self {
        &PRODUCTION
    }

    /// kustomize reads nothing from outside, so all is copied to where secrets may be.
    fn build(overlay: &str, secrets: Option<&Secrets>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let copied = folder.path().join("kubernetes");
        copy(&workspace().join("deploy/kubernetes"), &copied);
        let overlay = copied.join("overlays").join(overlay);
        if let Some(secrets) = secrets {
            copy(secrets.folder(), &overlay.join("secrets"));
        }
        let mut kustomize = Command::new(python_program("kubectl"));
        let output = kustomize.arg("kustomize").arg(overlay).output().unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{complaint}");
        let documents = serde_norway::Deserializer::from_slice(&output.stdout);
        Self {
            objects: documents
                .map(|it| Value::deserialize(it).unwrap())
                .collect(),
            manifests: output.stdout,
        }
    }

    pub(crate) fn of_kind(&self, kind: &str) -> impl Iterator<Item = &Value> {
        let kind = kind.to_owned();
        self.objects.iter().filter(move |it| it["kind"] == kind)
    }

    /// The object of a kind with a name, and a complaint where there is none.
    pub(crate) fn named(&self, kind: &str, name: &str) -> &Value {
        let mut objects = self.of_kind(kind);
        let found = objects.find(|it| it["metadata"]["name"] == name);
        found.unwrap_or_else(|| panic!("there is no {kind} {name}"))
    }

    /// Everything that runs.
    pub(crate) fn pods(&self) -> Vec<Pod<'_>> {
        let templates = self.objects.iter().filter_map(|object| {
            let template = match object["kind"].as_str()? {
                "Deployment" | "StatefulSet" => &object["spec"]["template"],
                "CronJob" => &object["spec"]["jobTemplate"]["spec"]["template"],
                _ => return None,
            };
            Some((object, template))
        });
        let pods = templates.map(|(object, template)| Pod {
            name: format!(
                "{} {}",
                text(&object["kind"]),
                text(&object["metadata"]["name"])
            ),
            labels: labels(&template["metadata"]["labels"]),
            spec: &template["spec"],
        });
        pods.collect()
    }

    /// The pods of our image, each with its role; jobs of operators are `operator`.
    pub(crate) fn processes(&self) -> Vec<(String, Pod<'_>)> {
        let pods = self.pods().into_iter();
        pods.filter_map(|pod| Some((pod.labels.get("role")?.clone(), pod)))
            .collect()
    }

    /// The pods that serve a role.
    pub(crate) fn roles(&self) -> Vec<(String, Pod<'_>)> {
        let mut processes = self.processes();
        processes.retain(|(role, _)| role != "operator");
        processes
    }

    /// The environment of a pod's container.
    pub(crate) fn variables(&self, pod: &Pod<'_>) -> BTreeMap<String, String> {
        let container = pod.container();
        let mut variables = BTreeMap::new();
        for source in list(&container["envFrom"]) {
            let name = text(&source["configMapRef"]["name"]);
            variables.extend(labels(&self.named("ConfigMap", name)["data"]));
        }
        for variable in list(&container["env"]) {
            let value = self.value(variable);
            variables.insert(text(&variable["name"]).to_owned(), value);
        }
        variables
    }

    fn value(&self, variable: &Value) -> String {
        let from = &variable["valueFrom"];
        if let Some(name) = from["configMapKeyRef"]["name"].as_str() {
            let key = text(&from["configMapKeyRef"]["key"]);
            return text(&self.named("ConfigMap", name)["data"][key]).to_owned();
        }
        let given = variable["value"].as_str();
        given.unwrap_or("what Kubernetes knows").to_owned()
    }

    /// The files that a pod sees under `/run/secrets`.
    pub(crate) fn secrets(&self, pod: &Pod<'_>) -> BTreeSet<String> {
        let secret = self.named("Secret", pod.secret());
        let data = secret["data"].as_object().unwrap();
        data.keys().cloned().collect()
    }

    /// Has a role read what its pod would give it.
    pub(crate) fn read(&self, role: &str, pod: &Pod<'_>) -> Reading {
        let secret = self.named("Secret", pod.secret());
        let mounted = tempfile::tempdir().unwrap();
        for (name, content) in labels(&secret["data"]) {
            let content = STANDARD.decode(content.replace('\n', "")).unwrap();
            fs::write(mounted.path().join(name), content).unwrap();
        }
        let locate = |path: &str| {
            let file = mounted.path().join(path.strip_prefix("/run/secrets/")?);
            assert!(file.exists(), "{path} is not mounted");
            Some(file.display().to_string())
        };
        let container = Container {
            variables: self.variables(pod),
            locate: Box::new(locate),
        };
        read(role, &container)
    }
}

impl Pod<'_> {
    /// Each has one.
    pub(crate) fn container(&self) -> &Value {
        let containers = list(&self.spec["containers"]);
        assert_eq!(containers.len(), 1, "{}", self.name);
        &containers[0]
    }

    fn secret(&self) -> &str {
        let volumes = list(&self.spec["volumes"]);
        let secrets = volumes.iter().find(|volume| volume["name"] == "secrets");
        text(&secrets.expect("a volume of secrets")["secret"]["secretName"])
    }

    /// Whether a selector of labels picks it.
    pub(crate) fn is_picked(&self, selector: &Value) -> bool {
        let wanted = labels(&selector["matchLabels"]);
        let has = |(key, value): (&String, &String)| self.labels.get(key) == Some(value);
        let exists = |rule: &Value| {
            assert_eq!(rule["operator"], "Exists");
            self.labels.contains_key(text(&rule["key"]))
        };
        wanted.iter().all(has) && list(&selector["matchExpressions"]).iter().all(exists)
    }
}

/// A map of texts; an absent one is empty.
fn labels(map: &Value) -> BTreeMap<String, String> {
    let pairs = map.as_object().into_iter().flatten();
    pairs
        .map(|(key, value)| (key.clone(), text(value).to_owned()))
        .collect()
}

fn text(value: &Value) -> &str {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no text"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-a").arg(from).arg(to).status();
    assert!(status.unwrap().success(), "cp {}", from.display());
}
