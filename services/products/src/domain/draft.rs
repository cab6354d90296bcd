use reen_error::FieldFailure;

use super::fields::Checked;
use super::{Description, ImageUrls, Name, Pieces, Price};

/// What somebody asks of a product's fields, unchecked; what is absent stays as it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wish {
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) price_cents: Option<i64>,
    pub(crate) quantity: Option<i64>,
    pub(crate) image_urls: Option<Vec<String>>,
}

/// A product that is to be listed.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) name: Name,
    pub(crate) description: Description,
    pub(crate) price: Price,
    pub(crate) quantity: Pieces,
    pub(crate) image_urls: ImageUrls,
}

impl Draft {
    /// Checks all fields and names every one that fails or is absent.
    pub(crate) fn parse(wish: &Wish) -> Checked<Self> {
        let mut problems = Problems::default();
        let name = problems.required("name", wish.name.as_deref(), Name::parse);
        let text = wish.description.as_deref();
        let description = problems.required("description", text, Description::parse);
        let price = problems.required("price", wish.price_cents, Price::parse);
        let quantity = problems.required("quantity", wish.quantity, Pieces::parse);
        let urls = wish.image_urls.as_deref();
        let image_urls = problems.required("imageUrls", urls, ImageUrls::parse);
        match (name, description, price, quantity, image_urls) {
            (Some(name), Some(description), Some(price), Some(quantity), Some(image_urls)) => {
                Ok(Self {
                    name,
                    description,
                    price,
                    quantity,
                    image_urls,
                })
            }
            _ => Err(problems.failures),
        }
    }
}

/// What is to change in a product.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) name: Option<Name>,
    pub(crate) description: Option<Description>,
    pub(crate) price: Option<Price>,
    pub(crate) quantity: Option<Pieces>,
    pub(crate) image_urls: Option<ImageUrls>,
}

impl Change {
    /// Checks the fields that are present, of which there must be at least one.
    pub(crate) fn parse(wish: &Wish) -> Checked<Self> {
        let mut problems = Problems::default();
        let change = Self {
            name: problems.optional(wish.name.as_deref(), Name::parse),
            description: problems.optional(wish.description.as_deref(), Description::parse),
            price: problems.optional(wish.price_cents, Price::parse),
            quantity: problems.optional(wish.quantity, Pieces::parse),
            image_urls: problems.optional(wish.image_urls.as_deref(), ImageUrls::parse),
        };
        if !problems.failures.is_empty() {
            return Err(problems.failures);
        }
        if change.is_empty() {
            let nothing = FieldFailure::new("change", "required", "must change at least one field");
            return Err(vec![nothing]);
        }
        Ok(change)
    }

    fn is_empty(&self) -> bool {
        self.name.is_none()
            && self.description.is_none()
            && self.price.is_none()
            && self.quantity.is_none()
            && self.image_urls.is_none()
    }
}

/// Gathers what is wrong with one field after the other.
#[derive(Default)]
struct Problems {
    failures: Vec<FieldFailure>,
}

impl Problems {
    fn required<Raw, T>(
        &mut self,
        field: &str,
        raw: Option<Raw>,
        parse: impl FnOnce(Raw) -> Checked<T>,
    ) -> Option<T> {
        if raw.is_none() {
            let absent = FieldFailure::new(field, "required", "must be there");
            self.failures.push(absent);
        }
        self.optional(raw, parse)
    }

    fn optional<Raw, T>(
        &mut self,
        raw: Option<Raw>,
        parse: impl FnOnce(Raw) -> Checked<T>,
    ) -> Option<T> {
        match parse(raw?) {
            Ok(parsed) => Some(parsed),
            Err(failures) => {
                self.failures.extend(failures);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Change, Draft, Wish};

    fn fields(failures: Vec<reen_error::FieldFailure>) -> Vec<String> {
        failures.into_iter().map(|failure| failure.field).collect()
    }

    #[test]
    fn every_failing_field_is_named_at_once() {
        let wish = Wish {
            name: Some(" ".to_owned()),
            description: None,
            price_cents: Some(0),
            quantity: Some(-1),
            image_urls: Some(vec!["no".to_owned()]),
        };
        let all = ["name", "description", "price", "quantity", "imageUrls[0]"];
        assert_eq!(fields(Draft::parse(&wish).unwrap_err()), all);
        let present = ["name", "price", "quantity", "imageUrls[0]"];
        assert_eq!(fields(Change::parse(&wish).unwrap_err()), present);
    }

    #[test]
    fn a_change_must_change_something() {
        let refused = Change::parse(&Wish::default()).unwrap_err();
        assert_eq!(refused[0].code, "required");
        let wish = Wish {
            quantity: Some(0),
            ..Wish::default()
        };
        assert_eq!(Change::parse(&wish).unwrap().quantity.unwrap().count(), 0);
    }
}
