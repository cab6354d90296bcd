use serde_json::Value;

use super::RulesError;
use crate::scope::Scope;

/// The name under which the document speaks of API keys.
const SCHEME: &str = "apiKey";

/// What an API key must be for so that it opens an operation.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyScopes(Vec<Scope>);

impl KeyScopes {
    /// Reads `security`, a list of alternatives. An operation that does not name API keys is closed to them.
    pub(super) fn read(security: &Value) -> Result<Self, RulesError> {
        let alternatives = security.as_array().into_iter().flatten();
        let mut scopes = alternatives.filter_map(|alternative| alternative.get(SCHEME));
        let Some(named) = scopes.next() else {
            return Ok(Self::default());
        };
        let words = named.as_array().filter(|words| !words.is_empty());
        let words = words.ok_or_else(|| misnamed(security))?;
        let known: Option<Vec<Scope>> = words.iter().map(Scope::named).collect();
        match (known, scopes.next()) {
            (Some(known), None) => Ok(Self(known)),
            _ => Err(misnamed(security)),
        }
    }

    /// Whether a key that is for all of these opens the operation.
    pub(super) fn are_among(&self, granted: &[Scope]) -> bool {
        !self.0.is_empty() && self.0.iter().all(|scope| granted.contains(scope))
    }
}

/// What would let every key in, or none.
fn misnamed(security: &Value) -> RulesError {
    let expected = "API keys are named once, with scopes that there are";
    RulesError(format!("{expected}: {security}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{KeyScopes, Scope};

    const ALL: [Scope; 2] = [Scope::OrdersRead, Scope::CartWrite];

    #[test]
    fn a_key_opens_what_names_its_scope() {
        let security = json!([{ "bearer": [] }, { "apiKey": ["orders:read"] }]);
        let scopes = KeyScopes::read(&security).unwrap();
        assert!(scopes.are_among(&ALL));
        assert!(scopes.are_among(&[Scope::OrdersRead]));
        assert!(!scopes.are_among(&[Scope::CartWrite]));
        assert!(!scopes.are_among(&[]));
        let both = KeyScopes::read(&json!([{ "apiKey": ["orders:read", "cart:write"] }]));
        let both = both.unwrap();
        assert!(both.are_among(&ALL));
        assert!(!both.are_among(&[Scope::OrdersRead]));
    }

    #[test]
    fn what_does_not_name_keys_is_closed_to_them() {
        for security in [json!(null), json!([]), json!([{}, { "bearer": [] }])] {
            let scopes = KeyScopes::read(&security).unwrap();
            assert!(!scopes.are_among(&ALL), "{security}");
        }
    }

    #[test]
    fn scopes_that_there_are_not_do_not_compile() {
        for security in [
            json!([{ "apiKey": [] }]),
            json!([{ "apiKey": ["orders:burn"] }]),
            json!([{ "apiKey": "orders:read" }]),
            json!([{ "apiKey": ["orders:read"] }, { "apiKey": ["cart:read"] }]),
        ] {
            assert!(KeyScopes::read(&security).is_err(), "{security}");
        }
    }
}
