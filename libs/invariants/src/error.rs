/// Why the checker cannot look.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the database of {owner} cannot be read")]
pub struct Error {
    /// The process whose database it is.
    pub owner: &'static str,
    /// What the database answered.
    #[source]
    pub source: reen_mongo::Error,
}
