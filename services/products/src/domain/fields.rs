//! The fields of a product as a seller may set them, named in refusals as the client names them.

use reen_error::FieldFailure;
use url::Url;

const LONGEST_NAME: usize = 100;
const LONGEST_DESCRIPTION: usize = 5_000;
const HIGHEST_PRICE_CENTS: i64 = 100_000_000;
const MOST_PIECES: i64 = 1_000_000;
const MOST_IMAGES: usize = 6;
const LONGEST_URL: usize = 2_048;

/// A field, or everything that is wrong with it.
pub(crate) type Checked<T> = Result<T, Vec<FieldFailure>>;

/// A product's name: 1 to 100 characters without space around them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name(String);

impl Name {
    pub(crate) fn parse(text: &str) -> Checked<Self> {
        trimmed("name", text, LONGEST_NAME).map(Self)
    }

    pub(crate) fn into_text(self) -> String {
        self.0
    }
}

/// A product's description: 1 to 5,000 characters without space around them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Description(String);

impl Description {
    pub(crate) fn parse(text: &str) -> Checked<Self> {
        trimmed("description", text, LONGEST_DESCRIPTION).map(Self)
    }

    pub(crate) fn into_text(self) -> String {
        self.0
    }
}

fn trimmed(field: &str, text: &str, longest: usize) -> Checked<String> {
    let text = text.trim();
    if text.is_empty() {
        return refused(field, "too_short", "must not be empty");
    }
    if text.chars().count() > longest {
        let most = format!("must have at most {longest} characters");
        return refused(field, "too_long", most);
    }
    Ok(text.to_owned())
}

/// The price of one piece in cents: 0.01 to 1,000,000.00.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Price(i64);

impl Price {
    pub(crate) fn parse(cents: i64) -> Checked<Self> {
        match cents {
            ..1 => refused("price", "too_small", "must be at least 0.01"),
            1..=HIGHEST_PRICE_CENTS => Ok(Self(cents)),
            _ => refused("price", "too_large", "must be at most 1000000.00"),
        }
    }

    pub(crate) fn cents(self) -> i64 {
        self.0
    }
}

/// How many pieces a seller offers: 0 to 1,000,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pieces(i64);

impl Pieces {
    pub(crate) fn parse(pieces: i64) -> Checked<Self> {
        match pieces {
            ..0 => refused("quantity", "too_small", "must not be negative"),
            0..=MOST_PIECES => Ok(Self(pieces)),
            _ => refused(
                "quantity",
                "too_large",
                format!("must be at most {MOST_PIECES}"),
            ),
        }
    }

    pub(crate) fn count(self) -> i64 {
        self.0
    }
}

/// The pictures of a product: 1 to 6 absolute HTTP addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ImageUrls(Vec<String>);

impl ImageUrls {
    pub(crate) fn parse(urls: &[String]) -> Checked<Self> {
        if urls.is_empty() {
            return refused("imageUrls", "too_few", "must have at least one");
        }
        if urls.len() > MOST_IMAGES {
            let most = format!("must have at most {MOST_IMAGES}");
            return refused("imageUrls", "too_many", most);
        }
        let failures: Vec<FieldFailure> = urls
            .iter()
            .enumerate()
            .filter_map(|(position, url)| image_failure(position, url))
            .collect();
        if failures.is_empty() {
            Ok(Self(urls.to_vec()))
        } else {
            Err(failures)
        }
    }

    pub(crate) fn into_urls(self) -> Vec<String> {
        self.0
    }
}

fn image_failure(position: usize, url: &str) -> Option<FieldFailure> {
    let field = format!("imageUrls[{position}]");
    if url.len() > LONGEST_URL {
        let most = format!("must have at most {LONGEST_URL} characters");
        return Some(FieldFailure::new(field, "too_long", most));
    }
    let is_http = Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    let sentence = "must be an absolute http or https address";
    (!is_http).then(|| FieldFailure::new(field, "not_a_url", sentence))
}

fn refused<T>(field: &str, code: &str, message: impl Into<String>) -> Checked<T> {
    Err(vec![FieldFailure::new(field, code, message)])
}

#[cfg(test)]
mod tests {
    use super::{Checked, Description, ImageUrls, Name, Pieces, Price};

    fn code<T: std::fmt::Debug>(checked: Checked<T>) -> String {
        checked.unwrap_err().remove(0).code
    }

    #[test]
    fn a_text_is_trimmed_before_it_is_measured() {
        let hundred = "ä".repeat(100);
        assert_eq!(
            Name::parse(&format!(" {hundred}\n")).unwrap().into_text(),
            hundred
        );
        assert_eq!(code(Name::parse(&"a".repeat(101))), "too_long");
        assert_eq!(code(Name::parse(" \t")), "too_short");
        assert!(Description::parse(&"a".repeat(5_000)).is_ok());
        assert_eq!(code(Description::parse(&"a".repeat(5_001))), "too_long");
    }

    #[test]
    fn numbers_stay_within_their_limits() {
        assert_eq!(Price::parse(1).unwrap().cents(), 1);
        assert_eq!(Price::parse(100_000_000).unwrap().cents(), 100_000_000);
        assert_eq!(code(Price::parse(0)), "too_small");
        assert_eq!(code(Price::parse(100_000_001)), "too_large");
        assert_eq!(Pieces::parse(0).unwrap().count(), 0);
        assert_eq!(Pieces::parse(1_000_000).unwrap().count(), 1_000_000);
        assert_eq!(code(Pieces::parse(-1)), "too_small");
        assert_eq!(code(Pieces::parse(i64::MAX)), "too_large");
    }

    #[test]
    fn images_are_absolute_web_addresses() {
        let parse = |urls: &[&str]| {
            let urls: Vec<String> = urls.iter().map(ToString::to_string).collect();
            ImageUrls::parse(&urls)
        };
        assert!(parse(&["https://img.example/a.png", "http://img.example/b"]).is_ok());
        assert_eq!(code(parse(&[])), "too_few");
        assert_eq!(code(parse(&["https://img.example"; 7])), "too_many");
        for wrong in ["", "/a.png", "ftp://img.example", "javascript:alert(1)"] {
            assert_eq!(code(parse(&[wrong])), "not_a_url", "{wrong}");
        }
        let long = format!("https://img.example/{}", "a".repeat(2_048));
        assert_eq!(code(parse(&[&long])), "too_long");
    }

    #[test]
    fn every_wrong_image_is_named() {
        let urls = ["no", "https://img.example", "nor this"].map(str::to_owned);
        let fields: Vec<String> = ImageUrls::parse(&urls)
            .unwrap_err()
            .into_iter()
            .map(|failure| failure.field)
            .collect();
        assert_eq!(fields, ["imageUrls[0]", "imageUrls[2]"]);
    }
}
