//! `docs/sagas.md` shows the sagas as they are defined.
#![expect(clippy::unwrap_used, reason = "helpers of a test fail by panicking")]

use std::fmt::Write as _;
use std::path::Path;

use reen_events_handler::{Outline, StepOutline, outlines};

const HEAD: &str = "# The sagas

Made from the definitions in `events-handler/src/sagas`; a test keeps it so. After a change:
`REEN_WRITE_DOCS=1 cargo test -p reen-events-handler --test documentation`.

A saga runs in **stages**. What a stage may have to undo is noted as owed before its first step begins; what it
came to is stored at its end. A crash in between repeats the stage from its beginning, under the same operation ids:
each effect is made once. Steps on one line are done side by side. A step that fails for now is tried again after half
a second, doubled up to five minutes; after twenty failures in a row the saga is `stuck`, and an operator decides
([operations.md](operations.md)). A step that is refused finally turns the saga around: whatever is owed is undone in
reverse, one by one, then the epilogue runs.
";

#[test]
fn the_documentation_shows_the_sagas_as_they_are() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/sagas.md");
    let mut sections = String::from(HEAD);
    for saga in outlines() {
        sections.push_str(&section(&saga));
    }
    if std::env::var_os("REEN_WRITE_DOCS").is_some() {
        std::fs::write(&file, &sections).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == sections,
        "docs/sagas.md is out of date: its first lines say how to make it"
    );
}

fn section(saga: &Outline) -> String {
    let mut text = format!("\n## {}\n\n```mermaid\nstateDiagram-v2\n", saga.kind);
    picture(&mut text, saga);
    text.push_str("```\n\n| step | undone | turns the saga around |\n| --- | --- | --- |\n");
    for step in saga.steps.iter().chain(&saga.epilogue) {
        let undone = step.none_owed.unwrap_or("yes");
        let errors = words(&step.final_errors);
        writeln!(text, "| {} | {undone} | {errors} |", step.name).unwrap();
    }
    text
}

/// One state for each set of steps that are done together, and where it goes from there.
fn picture(text: &mut String, saga: &Outline) {
    let forward = states(&saga.steps);
    let mut before = "[*]".to_owned();
    for state in &forward {
        writeln!(text, "    {}: {}", state.id, state.label).unwrap();
        let stored = if state.begins_stage { ": stored" } else { "" };
        writeln!(text, "    {before} --> {}{stored}", state.id).unwrap();
        if !state.final_errors.is_empty() {
            let errors = state.final_errors.join(", ");
            writeln!(text, "    {} --> undoing: {errors}", state.id).unwrap();
        }
        before.clone_from(&state.id);
    }
    writeln!(text, "    {before} --> done\n    done --> [*]").unwrap();
    if forward.iter().all(|state| state.final_errors.is_empty()) {
        return;
    }
    before = "undoing".to_owned();
    for state in states(&saga.epilogue) {
        writeln!(text, "    {}: {}", state.id, state.label).unwrap();
        writeln!(text, "    {before} --> {}: nothing owed", state.id).unwrap();
        before = state.id;
    }
    writeln!(
        text,
        "    {before} --> compensated\n    compensated --> [*]"
    )
    .unwrap();
}

struct State {
    id: String,
    label: String,
    begins_stage: bool,
    final_errors: Vec<&'static str>,
}

fn states(steps: &[StepOutline]) -> Vec<State> {
    let mut states: Vec<State> = Vec::new();
    for step in steps {
        match states.last_mut().filter(|_| step.is_beside) {
            Some(state) => {
                state.label.push_str(" and ");
                state.label.push_str(step.name);
                state.final_errors.extend(&step.final_errors);
                state.final_errors.sort_unstable();
                state.final_errors.dedup();
            }
            None => states.push(State {
                id: step.name.replace('-', "_"),
                label: step.name.to_owned(),
                begins_stage: step.begins_stage,
                final_errors: step.final_errors.clone(),
            }),
        }
    }
    states
}

fn words(errors: &[&str]) -> String {
    let quoted: Vec<_> = errors.iter().map(|word| format!("`{word}`")).collect();
    quoted.join(", ")
}
