use super::Products;
use crate::error::Error;
use crate::store::Comparison;

/// How many products are set right at a time: as many as an answer shows.
const MOST_AT_ONCE: usize = 1_000;

impl Products {
    /// Compares the counts of all products with their holds, and sets right what differs unless it is
    /// a dry run.
    pub(crate) async fn repair_stock(&self, dry_run: bool) -> Result<Comparison, Error> {
        let compared = self.store.compare_counts(MOST_AT_ONCE).await?;
        if dry_run {
            return Ok(compared);
        }
        let mut repaired = Vec::with_capacity(compared.differences.len());
        for difference in &compared.differences {
            let product = difference.product_id;
            if let Some(difference) = self.store.repair(product).await? {
                tracing::warn!(%product, ?difference, "set the counts of a product right");
                self.changes.note([product]);
                repaired.push(difference);
            }
        }
        Ok(Comparison {
            differences: repaired,
            ..compared
        })
    }
}
