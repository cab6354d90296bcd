/// Why the checker cannot look.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// A database is away, or refuses.
    #[error("the database of {owner} cannot be read")]
    Unreadable {
        /// The process whose database it is.
        owner: &'static str,
        /// What the database answered.
        #[source]
        source: reen_mongo::Error,
    },
    /// A database in which its process has never been: there is nothing wrong in it, and nothing right.
    #[error("the database of {owner} has no {collection}; is it the right one?")]
    NotOfAMesh {
        /// The process whose database it should be.
        owner: &'static str,
        /// The collection that this process makes when it starts.
        collection: &'static str,
    },
}
