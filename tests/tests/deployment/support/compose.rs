use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use reen_tests::workspace;
use serde::Deserialize;
use serde_json::Value;

use super::{Container, Reading, Secrets, read};

/// A compose file as docker-compose understands it: variables put in, anchors followed.
#[derive(Deserialize)]
pub(crate) struct Compose {
    pub(crate) services: BTreeMap<String, Service>,
    #[serde(default)]
    pub(crate) secrets: BTreeMap<String, SecretFile>,
}

/// What of a service is of interest here.
#[derive(Deserialize)]
#[serde(default)]
pub(crate) struct Service {
    pub(crate) command: Vec<String>,
    pub(crate) environment: BTreeMap<String, Value>,
    pub(crate) secrets: Vec<Mounted>,
    pub(crate) ports: Vec<Value>,
    pub(crate) volumes: Vec<Value>,
    pub(crate) networks: Value,
    pub(crate) healthcheck: Value,
    /// Everything else.
    #[serde(flatten)]
    pub(crate) rest: BTreeMap<String, Value>,
}

impl Default for Service {
    fn default() -> Self {
        Self {
            command: Vec::new(),
            environment: BTreeMap::new(),
            secrets: Vec::new(),
            ports: Vec::new(),
            volumes: Vec::new(),
            networks: Value::Null,
            healthcheck: Value::Null,
            rest: BTreeMap::new(),
        }
    }
}

/// A secret that a container sees.
#[derive(Deserialize)]
pub(crate) struct Mounted {
    pub(crate) source: String,
}

/// Where a secret is on the host.
#[derive(Deserialize)]
pub(crate) struct SecretFile {
    pub(crate) file: PathBuf,
}

impl Compose {
    /// That of development, with nothing said by the developer.
    pub(crate) fn development() -> Self {
        let nothing_said = tempfile::NamedTempFile::new().unwrap();
        Self::resolve("compose.yaml", nothing_said.path().to_str().unwrap())
    }

    /// That of production, with what the example says.
    pub(crate) fn production() -> Self {
        Self::resolve("compose.prod.yaml", "deploy/production.env.example")
    }

    fn resolve(file: &str, variables: &str) -> Self {
        let arguments = ["--file", file, "--env-file", variables, "config"];
        let output = Command::new("docker-compose")
            .current_dir(workspace())
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .args(arguments)
            .output()
            .expect("docker-compose is installed: apt-get install docker-compose");
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{file}: {complaint}");
        serde_norway::from_slice(&output.stdout).expect("a compose file")
    }

    /// Those that are roles of `reen`, each with its role.
    pub(crate) fn roles(&self) -> impl Iterator<Item = (&str, &str, &Service)> {
        self.services.iter().filter_map(|(name, service)| {
            let [serve, role] = service.command.as_slice() else {
                return None;
            };
            (serve == "serve").then_some((name.as_str(), role.as_str(), service))
        })
    }

    /// Has a role read what its container would give it.
    pub(crate) fn read(&self, secrets: Option<&Secrets>, role: &str, service: &Service) -> Reading {
        let variable = |key: &String| Some((key.clone(), service.variable(key)?));
        let locate = |path: &str| {
            let file = self.source(service, path)?;
            Some(secrets?.folder().join(file).display().to_string())
        };
        let container = Container {
            variables: service.environment.keys().filter_map(variable).collect(),
            locate: Box::new(locate),
        };
        read(role, &container)
    }

    /// What is mounted at a path, below the folder of secrets.
    fn source(&self, service: &Service, path: &str) -> Option<PathBuf> {
        let Some(name) = path.strip_prefix("/run/secrets/") else {
            return service.certificate(path);
        };
        let mounted = service.secrets.iter().any(|each| each.source == name);
        assert!(mounted, "{path} is not mounted");
        self.secrets.get(name)?.file.file_name().map(PathBuf::from)
    }
}

impl Service {
    pub(crate) fn variable(&self, key: &str) -> Option<String> {
        let value = self.environment.get(key)?;
        Some(value.as_str().map_or(value.to_string(), str::to_owned))
    }

    fn certificate(&self, path: &str) -> Option<PathBuf> {
        let name = path.strip_prefix("/run/mesh/")?;
        let mut volumes = self.volumes.iter().filter_map(Value::as_str);
        let source = volumes.find_map(|volume| volume.strip_suffix(":/run/mesh:ro"))?;
        let (_, folder) = source.split_once("/deploy/secrets/")?;
        Some(Path::new(folder).join(name))
    }

    /// The command of the health check.
    pub(crate) fn health(&self) -> Vec<&str> {
        let test = self.healthcheck["test"].as_array();
        test.into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect()
    }
}
