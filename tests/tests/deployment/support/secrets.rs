use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use reen_tests::workspace;
use tempfile::TempDir;

/// The name in the certificate.
pub(crate) const HOST: &str = "shop.test";
/// What only the operator has.
const OPERATORS: [(&str, &str); 3] = [
    ("stripe_secret_key", "sk_live_operators"),
    ("stripe_webhook_signing_secret", "whsec_operators"),
    ("smtp_url", "smtps://shop:hush@mail.example"),
];

/// What `deploy/secrets.sh` makes, in a folder of a test's own.
pub(crate) struct Secrets {
    folder: TempDir,
}

impl Secrets {
    /// As the script leaves them; answers what it says as well.
    pub(crate) fn make() -> (Self, String) {
        let folder = tempfile::tempdir().unwrap();
        let secrets = Self { folder };
        let said = secrets.make_missing();
        (secrets, said)
    }

    /// With those that the operator puts there.
    pub(crate) fn complete() -> Self {
        let (secrets, _) = Self::make();
        for (name, value) in OPERATORS {
            fs::write(secrets.file(name), value).unwrap();
        }
        secrets
    }

    /// Runs the script, which keeps what is there.
    pub(crate) fn make_missing(&self) -> String {
        let mut script = Command::new(workspace().join("deploy/secrets.sh"));
        let output = script.arg(self.folder.path()).arg(HOST).output().unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{complaint}");
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap()
    }

    /// What is in the folder, apart from the folder of the certificate.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        let files = paths.filter(|path| path.is_file());
        let name = |path: PathBuf| path.file_name().map(|name| name.to_string_lossy().into());
        files.filter_map(name).collect()
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}
