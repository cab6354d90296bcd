use std::sync::Arc;

use axum::http::Method;

use super::{Operation, Rules, RulesError};
use crate::openapi::Documents;
use crate::version::{Version, routed_path};

/// The rules of every version, by the paths that the router knows.
#[derive(Debug, Default)]
pub(crate) struct RuleBook {
    first: Rules,
    second: Rules,
}

impl RuleBook {
    /// Reads the documents.
    pub(crate) fn read(documents: &Documents) -> Result<Self, RulesError> {
        let mut second = Rules::read(&documents.second)?;
        let operations = second.operations.drain();
        let routed = operations.map(|(path, methods)| (routed_path(&path), methods));
        second.operations = routed.collect();
        Ok(Self {
            first: Rules::read(&documents.first)?,
            second,
        })
    }

    /// The rules of what the router matched for a request in this version.
    pub(crate) fn of(
        &self,
        version: Version,
        path: &str,
        method: &Method,
    ) -> Option<Arc<Operation>> {
        match version {
            Version::First => self.first.of(path, method),
            Version::Second => self.second.of(path, method),
        }
    }
}
