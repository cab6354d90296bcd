//! Who may depend on whom.

use std::fs;

use super::workspace::{Dependency, Package, Workspace};
use super::{Rule, Violation};

const LIBS: &[&str] = &[
    "reen-error",
    "reen-proto",
    "reen-chassis",
    "reen-mongo",
    "reen-messaging",
];
const TESTKIT: &str = "reen-testkit";
const SIMS: &str = "reen-sims";
/// Servers of a test's own, to be killed.
const BACKENDS: &str = "reen-backends";

/// What a crate may take of the workspace.
enum Allowed {
    Only(&'static [&'static str]),
    /// Puts several apps together.
    Everything,
}

/// Every member and the members that it may take as a normal or build dependency. For tests
/// ("dev") each may take the testkit, the sims and the backends as well.
const LAYERS: &[(&str, Allowed)] = &[
    ("reen-proto", Allowed::Only(&[])),
    ("reen-error", Allowed::Only(&[])),
    ("reen-chassis", Allowed::Only(&["reen-error", "reen-proto"])),
    (
        "reen-mongo",
        Allowed::Only(&["reen-error", "reen-chassis", "reen-proto"]),
    ),
    (
        "reen-messaging",
        Allowed::Only(&["reen-error", "reen-chassis", "reen-mongo", "reen-proto"]),
    ),
    (TESTKIT, Allowed::Only(LIBS)),
    // Reads all databases, and knows no service.
    (
        "reen-invariants",
        Allowed::Only(&["reen-error", "reen-mongo"]),
    ),
    ("reen-auth", Allowed::Only(LIBS)),
    ("reen-products", Allowed::Only(LIBS)),
    ("reen-cart-items", Allowed::Only(LIBS)),
    ("reen-checkout", Allowed::Only(LIBS)),
    ("reen-orders", Allowed::Only(LIBS)),
    ("reen-events-handler", Allowed::Only(LIBS)),
    // No database of its own.
    (
        "reen-gateway",
        Allowed::Only(&["reen-error", "reen-proto", "reen-chassis", "reen-messaging"]),
    ),
    (SIMS, Allowed::Only(&[])),
    ("reen", Allowed::Everything),
    ("reen-tests", Allowed::Everything),
    ("reen-chaos", Allowed::Everything),
    // A client like any other.
    ("reen-bench", Allowed::Only(&[])),
    (BACKENDS, Allowed::Only(&[])),
    ("xtask", Allowed::Only(&[BACKENDS])),
];

/// The binary is what goes into images: nothing that is for tests may be in it.
const NOT_IN_PRODUCTION: (&str, &[&str]) = ("reen", &[TESTKIT, SIMS]);

pub(super) fn violations(workspace: &Workspace) -> Vec<Violation> {
    workspace
        .packages
        .iter()
        .flat_map(|package| {
            let dependencies = package
                .dependencies
                .iter()
                .filter(|other| other.path.is_some());
            dependencies.filter_map(|other| violation(workspace, package, other))
        })
        .chain(
            workspace
                .packages
                .iter()
                .filter_map(|package| unknown(workspace, package)),
        )
        .collect()
}

fn violation(
    workspace: &Workspace,
    package: &Package,
    dependency: &Dependency,
) -> Option<Violation> {
    let for_tests = dependency.kind.as_deref() == Some("dev");
    if is_allowed(&package.name, &dependency.name, for_tests) {
        return None;
    }
    let for_what = if for_tests { " for its tests" } else { "" };
    let message = format!(
        "{} may not depend on {}{for_what}",
        package.name, dependency.name
    );
    Some(broken(workspace, package, &dependency.name, message))
}

fn is_allowed(package: &str, dependency: &str, for_tests: bool) -> bool {
    if for_tests && [TESTKIT, SIMS, BACKENDS].contains(&dependency) {
        return true;
    }
    match allowed_for(package) {
        Some(Allowed::Everything) => {
            let (binary, kept_out) = NOT_IN_PRODUCTION;
            package != binary || !kept_out.contains(&dependency)
        }
        Some(Allowed::Only(names)) => names.contains(&dependency),
        // Said once, by `unknown`.
        None => true,
    }
}

fn allowed_for(package: &str) -> Option<&'static Allowed> {
    LAYERS
        .iter()
        .find(|(name, _)| *name == package)
        .map(|(_, allowed)| allowed)
}

fn unknown(workspace: &Workspace, package: &Package) -> Option<Violation> {
    if allowed_for(&package.name).is_some() {
        return None;
    }
    let message = format!("{} has no line in the table of layers", package.name);
    Some(broken(workspace, package, &package.name, message))
}

fn broken(workspace: &Workspace, package: &Package, subject: &str, message: String) -> Violation {
    let manifest = fs::read_to_string(package.manifest()).unwrap_or_default();
    Violation {
        rule: Rule::Layer,
        path: workspace.relative(package.manifest()),
        line: line_naming(&manifest, subject),
        subject: subject.to_owned(),
        message,
    }
}

/// The line of a manifest where a dependency stands; the first line when it is not found.
fn line_naming(manifest: &str, dependency: &str) -> usize {
    manifest
        .lines()
        .position(|line| {
            line.strip_prefix(dependency)
                .is_some_and(|rest| rest.starts_with(['.', ' ', '=']))
        })
        .map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(name: &str, dependencies: &[(&str, Option<&str>)]) -> Vec<String> {
        let workspace = Workspace::of(vec![Package::of(name, dependencies)]);
        violations(&workspace)
            .into_iter()
            .map(|violation| violation.message)
            .collect()
    }

    #[test]
    fn a_service_takes_the_libs_and_no_other_service() {
        assert!(messages("reen-auth", &[("reen-mongo", None)]).is_empty());
        assert_eq!(
            messages("reen-auth", &[("reen-orders", None)]),
            ["reen-auth may not depend on reen-orders"]
        );
    }

    #[test]
    fn the_gateway_has_no_database() {
        assert_eq!(messages("reen-gateway", &[("reen-mongo", None)]).len(), 1);
    }

    #[test]
    fn testkit_and_sims_are_for_tests_only() {
        let dev = Some("dev");
        assert!(
            messages(
                "reen-checkout",
                &[("reen-sims", dev), ("reen-testkit", dev)]
            )
            .is_empty()
        );
        assert_eq!(
            messages("reen-checkout", &[("reen-testkit", None)]).len(),
            1
        );
        assert_eq!(messages("reen-auth", &[("reen-orders", dev)]).len(), 1);
        assert_eq!(messages("reen", &[("reen-sims", None)]).len(), 1);
        assert!(messages("reen-tests", &[("reen-sims", None), ("reen-auth", None)]).is_empty());
    }

    #[test]
    fn a_member_without_a_line_is_found() {
        assert_eq!(
            messages("reen-new", &[]),
            ["reen-new has no line in the table of layers"]
        );
    }

    #[test]
    fn the_line_of_a_dependency_is_its_own() {
        let manifest = "[dependencies]\nreen-mongo-x = \"1\"\nreen-mongo.workspace = true\n";
        assert_eq!(line_naming(manifest, "reen-mongo"), 3);
        assert_eq!(line_naming(manifest, "absent"), 1);
    }
}
