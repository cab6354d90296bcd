//! Typed reading of a request's parameters; every refusal names its parameter.

use std::collections::BTreeMap;

use super::errors::ApiError;
use super::form::Node;

/// Limits of metadata: <https://docs.stripe.com/api/metadata>.
const METADATA_KEYS: usize = 50;
const METADATA_KEY_LENGTH: usize = 40;
const METADATA_VALUE_LENGTH: usize = 500;

/// The parameters of one hash, and where it stands in the request.
#[derive(Debug, Clone)]
pub(crate) struct Params<'form> {
    fields: Option<&'form BTreeMap<String, Node>>,
    path: String,
}

impl<'form> Params<'form> {
    pub(crate) fn root(form: &'form Node) -> Self {
        Self {
            fields: fields_of(form),
            path: String::new(),
        }
    }

    /// The full name of a field, e.g. `line_items[0][quantity]`.
    pub(crate) fn name_of(&self, field: &str) -> String {
        if self.path.is_empty() {
            field.to_owned()
        } else {
            format!("{}[{field}]", self.path)
        }
    }

    pub(crate) fn has(&self, field: &str) -> bool {
        self.node(field).is_some()
    }

    /// Refuses fields that are neither known nor deliberately without effect.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), ApiError> {
        let unknown = self
            .fields
            .into_iter()
            .flat_map(BTreeMap::keys)
            .find(|field| !known.contains(&field.as_str()));
        match unknown {
            None => Ok(()),
            Some(field) => {
                let name = self.name_of(field);
                Err(ApiError::invalid(format!(
                    "Received unknown parameter: {name} (this stand-in does not know it)"
                ))
                .code("parameter_unknown")
                .param(name))
            }
        }
    }

    /// A text that is not empty.
    pub(crate) fn text(&self, field: &str) -> Result<Option<&'form str>, ApiError> {
        match self.node(field) {
            None => Ok(None),
            Some(Node::Fields(_)) => Err(self.wrong(field, "Invalid string")),
            Some(Node::Text(text)) if text.is_empty() => {
                let name = self.name_of(field);
                Err(ApiError::invalid(format!(
                    "You passed an empty string for '{name}'. We assume empty values are an \
                     attempt to unset a parameter; however '{name}' cannot be unset. You should \
                     remove '{name}' from your request or supply a non-empty value."
                ))
                .code("parameter_invalid_empty")
                .param(name))
            }
            Some(Node::Text(text)) => Ok(Some(text)),
        }
    }

    pub(crate) fn required_text(&self, field: &str) -> Result<&'form str, ApiError> {
        self.text(field)?
            .ok_or_else(|| ApiError::missing_param(self.name_of(field)))
    }

    /// A text of at most `longest` characters.
    pub(crate) fn bounded_text(
        &self,
        field: &str,
        longest: usize,
    ) -> Result<Option<String>, ApiError> {
        let text = self.text(field)?;
        if text.is_some_and(|text| text.chars().count() > longest) {
            let message = format!("Invalid string: must be at most {longest} characters");
            return Err(self.wrong(field, &message));
        }
        Ok(text.map(str::to_owned))
    }

    /// A whole number of at least `least`.
    pub(crate) fn integer(&self, field: &str, least: i64) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.text(field)? else {
            return Ok(None);
        };
        let refuse = |message: String| {
            ApiError::invalid(message)
                .code("parameter_invalid_integer")
                .param(self.name_of(field))
        };
        let number: i64 = text
            .parse()
            .map_err(|_| refuse(format!("Invalid integer: {text}")))?;
        if number < least {
            return Err(refuse(format!(
                "This value must be greater than or equal to {least}."
            )));
        }
        Ok(Some(number))
    }

    /// The hash under `field`; an empty one when it is absent.
    pub(crate) fn within(&self, field: &str) -> Result<Self, ApiError> {
        let fields = match self.node(field) {
            None => None,
            Some(Node::Fields(fields)) => Some(fields),
            Some(Node::Text(_)) => return Err(self.wrong(field, "Invalid object")),
        };
        Ok(Self {
            fields,
            path: self.name_of(field),
        })
    }

    /// The hashes of the array under `field`, in the order of their indexes.
    pub(crate) fn list(&self, field: &str) -> Result<Vec<Self>, ApiError> {
        let array = self.within(field)?;
        array
            .indexes()?
            .into_iter()
            .map(|index| array.within(index))
            .collect()
    }

    /// The texts of the array under `field`, in the order of their indexes.
    pub(crate) fn texts(&self, field: &str) -> Result<Vec<&'form str>, ApiError> {
        let array = self.within(field)?;
        array
            .indexes()?
            .into_iter()
            .map(|index| array.required_text(index))
            .collect()
    }

    /// Metadata; a key with an empty value is one that is not set.
    pub(crate) fn metadata(&self, field: &str) -> Result<BTreeMap<String, String>, ApiError> {
        let hash = self.within(field)?;
        let mut metadata = BTreeMap::new();
        for (key, node) in hash.fields.into_iter().flatten() {
            let Node::Text(value) = node else {
                return Err(hash.wrong(key, "Invalid string"));
            };
            if key.chars().count() > METADATA_KEY_LENGTH {
                return Err(hash.wrong(key, "Metadata keys can be up to 40 characters long"));
            }
            if value.chars().count() > METADATA_VALUE_LENGTH {
                return Err(hash.wrong(key, "Metadata values can be up to 500 characters long"));
            }
            if !value.is_empty() {
                metadata.insert(key.clone(), value.clone());
            }
        }
        if metadata.len() > METADATA_KEYS {
            return Err(self.wrong(field, "Metadata can have up to 50 keys"));
        }
        Ok(metadata)
    }

    /// 400 that names the field.
    pub(crate) fn wrong(&self, field: &str, message: &str) -> ApiError {
        ApiError::invalid(message).param(self.name_of(field))
    }

    fn indexes(&self) -> Result<Vec<&'form str>, ApiError> {
        let mut indexes = Vec::new();
        for key in self.fields.into_iter().flat_map(BTreeMap::keys) {
            let index: usize = key
                .parse()
                .map_err(|_| ApiError::invalid("Invalid array").param(self.path.clone()))?;
            indexes.push((index, key.as_str()));
        }
        indexes.sort_unstable();
        Ok(indexes.into_iter().map(|(_, key)| key).collect())
    }

    fn node(&self, field: &str) -> Option<&'form Node> {
        self.fields?.get(field)
    }
}

fn fields_of(node: &Node) -> Option<&BTreeMap<String, Node>> {
    match node {
        Node::Fields(fields) => Some(fields),
        Node::Text(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stripe::form::parse;

    #[test]
    fn arrays_are_read_in_numeric_order() {
        let encoded: Vec<String> = (0..12)
            .rev()
            .map(|index| format!("a[{index}]=v{index}"))
            .collect();
        let form = parse(encoded.join("&").as_bytes()).unwrap();
        let texts = Params::root(&form).texts("a").unwrap();
        assert_eq!(texts.first(), Some(&"v0"));
        assert_eq!(texts.get(2), Some(&"v2"));
        assert_eq!(texts.last(), Some(&"v11"));
    }

    #[test]
    fn refusals_name_the_nested_parameter() {
        let form = parse(b"line_items[0][quantity]=many").unwrap();
        let lines = Params::root(&form).list("line_items").unwrap();
        let refusal = lines[0].integer("quantity", 1).unwrap_err();
        let expected = ApiError::invalid("Invalid integer: many")
            .code("parameter_invalid_integer")
            .param("line_items[0][quantity]");
        assert_eq!(refusal, expected);
    }

    #[test]
    fn metadata_has_limits() {
        let of = |count: usize| {
            let pairs: Vec<String> = (0..count)
                .map(|key| format!("metadata[k{key}]=v"))
                .collect();
            let form = parse(pairs.join("&").as_bytes()).unwrap();
            Params::root(&form)
                .metadata("metadata")
                .map(|metadata| metadata.len())
        };
        assert_eq!(of(50), Ok(50));
        assert!(of(51).is_err());

        let form = parse(format!("metadata[k]={}", "v".repeat(501)).as_bytes()).unwrap();
        assert!(Params::root(&form).metadata("metadata").is_err());
        let form = parse(b"metadata[k]=").unwrap();
        assert!(Params::root(&form).metadata("metadata").unwrap().is_empty());
    }
}
