//! The rooms of an app, the same in every one: which file may speak to what.

use super::source::{NamedPath, Source};
use super::{Rule, Violation};

/// The members that are apps.
const APPS: &[&str] = &["gateway", "events-handler"];
const SERVICES: &str = "services/";

/// A room (a file or folder below `src`) and the rooms that it may not know. Adapters call the
/// use cases, the use cases call the store, and the rules know nobody.
const INNER: &[(&str, &[&str])] = &[
    (
        "domain",
        &["grpc", "routes", "service", "store", "clients", "events"],
    ),
    ("store", &["grpc", "routes", "service", "clients"]),
    ("clients", &["grpc", "routes", "service", "store"]),
    ("service", &["grpc", "routes"]),
];

/// Something from outside of the app, and the only rooms that may name it.
const OUTER: &[(&[&str], &[&str])] = &[
    (&["mongodb"], &["store", "app", "config", "error"]),
    (&["reen_mongo"], &["store", "app", "config", "error"]),
    (&["std", "env"], &["config"]),
];

pub(super) fn violations(sources: &[Source]) -> Vec<Violation> {
    sources
        .iter()
        .filter_map(|source| Some((source, Room::of(source)?)))
        .flat_map(|(source, room)| {
            let paths = source.paths.iter().filter(|path| !path.in_test);
            paths.filter_map(move |path| violation(source, &room, path))
        })
        .collect()
}

/// Where in an app a file is.
struct Room {
    name: String,
    /// How many modules deep: `domain.rs` is 1, `domain/user.rs` is 2.
    depth: usize,
}

impl Room {
    fn of(source: &Source) -> Option<Self> {
        let member = source.member.as_str();
        if !APPS.contains(&member) && !member.starts_with(SERVICES) {
            return None;
        }
        let inside = source.path.strip_prefix(member)?.strip_prefix("/src/")?;
        let modules = inside.strip_suffix(".rs")?;
        let modules = modules.strip_suffix("/mod").unwrap_or(modules);
        let parts: Vec<&str> = modules.split('/').collect();
        Some(Self {
            name: (*parts.first()?).to_owned(),
            depth: parts.len(),
        })
    }

    /// The app's room that a path leads to, when it does.
    fn destination<'a>(&self, path: &'a NamedPath) -> Option<&'a str> {
        let segments = &path.segments;
        let parents = segments
            .iter()
            .take_while(|segment| *segment == "super")
            .count();
        let at = match segments.first().map(String::as_str) {
            Some("crate") => 1,
            Some("super") if parents == self.depth => parents,
            _ => return None,
        };
        segments.get(at).map(String::as_str)
    }
}

fn violation(source: &Source, room: &Room, path: &NamedPath) -> Option<Violation> {
    let name = &room.name;
    let subject = path.segments.join("::");
    let message = if breaks_inner(room, path) {
        format!("{name} may not know {subject}")
    } else {
        let allowed = breaks_outer(room, path)?.join(", ");
        format!("{name} may not name {subject}: only {allowed} may")
    };
    Some(Violation {
        rule: Rule::Room,
        path: source.path.clone(),
        line: path.line,
        subject,
        message,
    })
}

fn breaks_inner(room: &Room, path: &NamedPath) -> bool {
    let forbidden = INNER.iter().find(|(name, _)| *name == room.name);
    let destination = room.destination(path);
    forbidden.is_some_and(|(_, rooms)| destination.is_some_and(|to| rooms.contains(&to)))
}

fn breaks_outer(room: &Room, path: &NamedPath) -> Option<&'static [&'static str]> {
    OUTER
        .iter()
        .filter(|(prefix, _)| {
            path.segments
                .iter()
                .zip(*prefix)
                .filter(|(a, b)| a == *b)
                .count()
                == prefix.len()
        })
        .map(|(_, allowed)| *allowed)
        .find(|allowed| !allowed.contains(&room.name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(path: &str, text: &str) -> Vec<String> {
        let source = Source::parse("services/auth", path, text).unwrap();
        violations(&[source])
            .into_iter()
            .map(|violation| violation.message)
            .collect()
    }

    #[test]
    fn the_domain_knows_nobody() {
        let text = "use crate::{error::Error, store::Users};";
        assert_eq!(
            messages("services/auth/src/domain.rs", text),
            ["domain may not know crate::store::Users"]
        );
        let deeper = "fn a() { super::super::grpc::b() }";
        assert_eq!(
            messages("services/auth/src/domain/user.rs", deeper).len(),
            1
        );
        assert!(messages("services/auth/src/domain/user.rs", "use super::service::A;").is_empty());
    }

    #[test]
    fn only_the_store_speaks_to_mongodb() {
        let text = "use mongodb::bson::doc;";
        assert!(messages("services/auth/src/store/users.rs", text).is_empty());
        assert_eq!(messages("services/auth/src/grpc.rs", text).len(), 1);
    }

    #[test]
    fn only_the_config_reads_the_environment() {
        let text = "fn a() { std::env::var(\"PORT\"); std::mem::take(b); }";
        assert!(messages("services/auth/src/config.rs", text).is_empty());
        assert_eq!(
            messages("services/auth/src/app.rs", text),
            ["app may not name std::env::var: only config may"]
        );
    }

    #[test]
    fn tests_may_do_what_they_want() {
        let text = "#[cfg(test)]\nmod tests { use crate::store::Users; }";
        assert!(messages("services/auth/src/domain.rs", text).is_empty());
        assert!(messages("services/auth/tests/flow.rs", "use mongodb::Client;").is_empty());
    }

    #[test]
    fn the_libs_have_no_rooms() {
        let source = Source::parse(
            "libs/mongo",
            "libs/mongo/src/lib.rs",
            "use mongodb::Client;",
        )
        .unwrap();
        assert!(violations(&[source]).is_empty());
    }
}
