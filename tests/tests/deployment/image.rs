//! The Dockerfile, against the workspace that it builds.

use reen_tests::workspace;

fn text(file: &str) -> String {
    std::fs::read_to_string(workspace().join(file)).unwrap()
}

#[test]
fn it_is_built_with_the_toolchain_of_the_workspace() {
    let toolchain = text("rust-toolchain.toml");
    let channel = toolchain
        .lines()
        .find_map(|line| line.strip_prefix("channel = "));
    let channel = channel.unwrap().trim_matches('"');
    let image = text("Dockerfile");
    assert!(image.contains(&format!("FROM rust:{channel}-slim-bookworm ")));
    assert!(image.contains(&format!("ENV RUSTUP_TOOLCHAIN={channel}\n")));
}

#[test]
fn every_member_of_the_workspace_is_in_the_context_and_no_secret() {
    let ignored = text(".dockerignore");
    let ignored: Vec<&str> = ignored
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    let manifest = text("Cargo.toml");
    let members = manifest
        .split("members = [")
        .nth(1)
        .and_then(|rest| rest.split(']').next());
    let members = members
        .unwrap()
        .split(',')
        .map(|member| member.trim().trim_matches('"'));
    for member in members.filter(|member| !member.is_empty()) {
        let folder = member.split('/').next().unwrap();
        assert!(!ignored.contains(&folder), "{member}");
    }
    for secret in [".env", ".git", ".reen", "deploy"] {
        assert!(ignored.contains(&secret), "{secret}");
    }
}

#[test]
fn it_runs_without_privileges_and_copies_only_from_stages_that_there_are() {
    let image = text("Dockerfile");
    let words = |line: &'static str| image.lines().filter_map(move |it| it.strip_prefix(line));
    let stages: Vec<&str> = words("FROM ")
        .filter_map(|rest| rest.split(" AS ").nth(1))
        .collect();
    for from in words("COPY --from=").filter_map(|rest| rest.split(' ').next()) {
        assert!(stages.contains(&from), "{from} of {stages:?}");
    }
    assert_eq!(
        words("FROM ").next_back(),
        Some("production"),
        "the image without a target"
    );
    let production = image.split(" AS production").nth(1).unwrap();
    let until_next = production.split("FROM ").next().unwrap();
    assert!(until_next.contains("\nUSER 65532:65532\n"));
}

/// Builders older than BuildKit hand no argument on to the stage that begins with another.
#[test]
fn every_stage_names_the_arguments_that_it_uses() {
    let image = text("Dockerfile");
    for stage in image.split("\nFROM ").skip(1) {
        let uses = stage.contains("$PROFILE");
        assert_eq!(uses, stage.contains("\nARG PROFILE=dist\n"), "{stage}");
    }
}
