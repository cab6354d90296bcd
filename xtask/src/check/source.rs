//! A Rust file as the checks see it: its functions and the paths that it names.
//!
//! Read from tokens, not from text: comments and strings cannot be mistaken for code, and what
//! stands inside a macro's brackets is seen as well.

use std::str::FromStr;

use anyhow::{Result, anyhow};
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// One parsed file.
#[derive(Debug)]
pub(super) struct Source {
    /// The member's folder, relative to the workspace: `services/auth`.
    pub(super) member: String,
    /// Relative to the workspace.
    pub(super) path: String,
    pub(super) lines: usize,
    pub(super) functions: Vec<Function>,
    pub(super) paths: Vec<NamedPath>,
}

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Function {
    pub(super) name: String,
    pub(super) line: usize,
    /// From `fn` to the closing brace.
    pub(super) lines: usize,
    pub(super) in_test: bool,
}

/// `a::b::c`, from a `use` or from an expression; one for each branch of `a::{b, c}`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NamedPath {
    pub(super) segments: Vec<String>,
    pub(super) line: usize,
    pub(super) in_test: bool,
}

impl Source {
    pub(super) fn parse(member: &str, path: &str, text: &str) -> Result<Self> {
        let tokens = TokenStream::from_str(text).map_err(|error| anyhow!("{error}"))?;
        let mut reader = Reader::default();
        let is_test_file = path
            .split('/')
            .any(|part| part == "tests" || part == "tests.rs");
        reader.read(tokens, is_test_file);
        Ok(Self {
            member: member.to_owned(),
            path: path.to_owned(),
            lines: text.lines().count(),
            functions: reader.functions,
            paths: reader.paths,
        })
    }
}

#[derive(Default)]
struct Reader {
    functions: Vec<Function>,
    paths: Vec<NamedPath>,
}

impl Reader {
    fn read(&mut self, tokens: TokenStream, in_test: bool) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        // An attribute holds until the item behind it ends.
        let mut next_is_test = false;
        let mut function: Option<(String, usize)> = None;
        let mut index = 0;
        while let Some(token) = tokens.get(index) {
            match token {
                TokenTree::Group(group) => {
                    let item_in_test = in_test || next_is_test;
                    if is_attribute(&tokens, index) {
                        next_is_test |= marks_test(group);
                    } else {
                        self.read(group.stream(), item_in_test);
                    }
                    if group.delimiter() == Delimiter::Brace {
                        if let Some((name, line)) = function.take() {
                            self.functions
                                .push(measured(name, line, group, item_in_test));
                        }
                        next_is_test = false;
                    }
                }
                TokenTree::Ident(word) if word == "fn" => {
                    function = named_function(tokens.get(index + 1)).or(function);
                }
                TokenTree::Ident(_) if !continues_path(&tokens, index) => {
                    index = self.read_path(&tokens, index, &[], in_test || next_is_test);
                    continue;
                }
                TokenTree::Punct(mark) if mark.as_char() == ';' => {
                    function = None;
                    next_is_test = false;
                }
                _ => {}
            }
            index += 1;
        }
    }

    /// Notes the path that starts at `start` and returns the index behind it.
    fn read_path(
        &mut self,
        tokens: &[TokenTree],
        start: usize,
        prefix: &[String],
        in_test: bool,
    ) -> usize {
        let mut segments = prefix.to_vec();
        let mut index = start;
        while let Some(TokenTree::Ident(segment)) = tokens.get(index) {
            segments.push(segment.to_string());
            index += 1;
            if !is_path_separator(tokens, index) {
                break;
            }
            index += 2;
            if let Some(TokenTree::Group(group)) = tokens.get(index)
                && group.delimiter() == Delimiter::Brace
            {
                self.read_branches(group, &segments, in_test);
                return index + 1;
            }
        }
        if segments.len() > 1 {
            let line = tokens[start].span().start().line;
            self.paths.push(NamedPath {
                segments,
                line,
                in_test,
            });
        }
        index
    }

    /// The inside of `a::{b, c::{d, e}}`.
    fn read_branches(&mut self, group: &Group, prefix: &[String], in_test: bool) {
        let tokens: Vec<TokenTree> = group.stream().into_iter().collect();
        let mut index = 0;
        while index < tokens.len() {
            if matches!(tokens[index], TokenTree::Ident(_)) {
                index = self.read_path(&tokens, index, prefix, in_test);
                // `b as c`: the new name is no path.
                if matches!(&tokens.get(index), Some(TokenTree::Ident(word)) if *word == "as") {
                    index += 2;
                }
            } else {
                index += 1;
            }
        }
    }
}

fn measured(name: String, line: usize, body: &Group, in_test: bool) -> Function {
    let end = body.span_close().end().line;
    let lines = end.saturating_sub(line) + 1;
    Function {
        name,
        line,
        lines,
        in_test,
    }
}

/// `fn name`, not the type `fn(…)`.
fn named_function(next: Option<&TokenTree>) -> Option<(String, usize)> {
    let Some(TokenTree::Ident(name)) = next else {
        return None;
    };
    Some((name.to_string(), name.span().start().line))
}

/// Whether the group at `index` belongs to `#[…]` or `#![…]`.
fn is_attribute(tokens: &[TokenTree], index: usize) -> bool {
    let mark = |back: usize| match index.checked_sub(back).and_then(|at| tokens.get(at)) {
        Some(TokenTree::Punct(mark)) => Some(mark.as_char()),
        _ => None,
    };
    mark(1) == Some('#') || (mark(1) == Some('!') && mark(2) == Some('#'))
}

/// `#[cfg(test)]`, `#[test]`, `#[tokio::test]`, `#[rstest]` and their like.
fn marks_test(attribute: &Group) -> bool {
    let text: String = attribute.stream().to_string().split_whitespace().collect();
    let name = text.split('(').next().unwrap_or_default();
    text.starts_with("cfg(test")
        || text.starts_with("cfg(all(test")
        || name == "rstest"
        || name.rsplit("::").next() == Some("test")
}

fn is_path_separator(tokens: &[TokenTree], index: usize) -> bool {
    let is_colon =
        |at: usize| matches!(tokens.get(at), Some(TokenTree::Punct(mark)) if mark.as_char() == ':');
    is_colon(index) && is_colon(index + 1)
}

/// Whether the identifier at `index` follows `::` after something that is no identifier, like
/// `<T as Trait>::name`, whose tail is no path of its own.
fn continues_path(tokens: &[TokenTree], index: usize) -> bool {
    index >= 3 && is_path_separator(tokens, index - 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Source {
        Source::parse("services/auth", "services/auth/src/lib.rs", text).unwrap()
    }

    fn paths(text: &str) -> Vec<String> {
        parse(text)
            .paths
            .iter()
            .map(|path| path.segments.join("::"))
            .collect()
    }

    #[test]
    fn functions_are_measured_from_fn_to_brace() {
        let source = parse(
            "/// doc\npub(crate) async fn a<T>(\n    x: T,\n) -> fn(T) {\n    x()\n}\nfn b() {}\n",
        );
        let sizes: Vec<_> = source
            .functions
            .iter()
            .map(|f| (f.name.as_str(), f.line, f.lines))
            .collect();
        assert_eq!(sizes, [("a", 2, 5), ("b", 7, 1)]);
    }

    #[test]
    fn a_declaration_without_a_body_is_not_measured() {
        let source = parse("trait T { fn a(&self); fn b(&self) {} }\nstruct S {}\n");
        let names: Vec<_> = source.functions.iter().map(|f| f.name.as_str()).collect();
        assert_eq!(names, ["b"]);
    }

    #[test]
    fn test_modules_and_test_functions_are_known() {
        let source = parse(
            "fn a() {}\n#[cfg(test)]\nmod tests { use crate::x; fn b() {} }\nfn c() {}\n\
             #[tokio::test(flavor = \"multi_thread\")]\nasync fn d() {}\n",
        );
        let tests: Vec<_> = source
            .functions
            .iter()
            .map(|f| (f.name.as_str(), f.in_test))
            .collect();
        assert_eq!(
            tests,
            [("a", false), ("b", true), ("c", false), ("d", true)]
        );
        assert!(source.paths.iter().all(|path| path.in_test));
    }

    #[test]
    fn a_test_import_does_not_taint_what_follows() {
        let source = parse("#[cfg(test)]\nuse crate::a;\nuse crate::b;\n");
        let tests: Vec<_> = source.paths.iter().map(|path| path.in_test).collect();
        assert_eq!(tests, [true, false]);
    }

    #[test]
    fn everything_in_a_tests_folder_is_a_test() {
        let text = "fn helper() {}";
        let path = "services/auth/tests/flow.rs";
        assert!(
            Source::parse("services/auth", path, text)
                .unwrap()
                .functions[0]
                .in_test
        );
    }

    #[test]
    fn every_branch_of_a_use_is_a_path() {
        assert_eq!(
            paths("use crate::{store, domain::{User, Role as R}};"),
            ["crate::store", "crate::domain::User", "crate::domain::Role"]
        );
    }

    #[test]
    fn paths_are_found_in_expressions_and_macros_and_not_in_text() {
        assert_eq!(
            paths("fn a() { x!(std::env::var(\"crate::store\")) } // mongodb::Client"),
            ["std::env::var"]
        );
        assert_eq!(paths("fn a() { <T as B>::c() }"), Vec::<String>::new());
    }

    #[test]
    fn a_path_has_its_own_line() {
        assert_eq!(parse("\n\nuse crate::{\n  store,\n};").paths[0].line, 4);
    }
}
