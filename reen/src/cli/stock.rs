use std::time::{Duration, Instant};

use clap::Subcommand;
use reen_chassis::CallContext;
use reen_chassis::client::PeerChannel;
use reen_proto::products::v1::products_client::ProductsClient;
use reen_proto::products::v1::{
    RepairStockRequest, RepairStockResponse, StockCounts, StockDifference,
};
use serde_json::{Value, json};

use super::Said;
use super::table::table;

/// Every product and every hold is read, and each repair is a transaction.
const PATIENCE: Duration = Duration::from_secs(10 * 60);
/// As many as one answer may hold.
const MOST: usize = 1_000;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Compares each product's counts with its holds and sets right what differs.
    ///
    /// Held and sold become what the holds say; of what was stocked, the rest becomes available.
    Repair {
        /// Only shows what differs.
        #[arg(long)]
        dry_run: bool,
    },
}

pub(super) async fn run(
    command: &Command,
    products: &mut ProductsClient<PeerChannel>,
) -> anyhow::Result<Said> {
    let Command::Repair { dry_run } = *command;
    let patient = CallContext {
        deadline: Some(Instant::now() + PATIENCE),
        ..CallContext::default()
    };
    let asked = products.repair_stock(RepairStockRequest { dry_run });
    let compared = patient.scope(asked).await?.into_inner();
    let (text, json) = (text(&compared, dry_run), view(&compared));
    // What was set right is nothing that is left to do; what is only shown is.
    Ok(match dry_run && !compared.differences.is_empty() {
        true => Said::found(text, json),
        false => Said::fine(text, json),
    })
}

fn text(compared: &RepairStockResponse, dry_run: bool) -> String {
    let differences = &compared.differences;
    let looked_at = format!(
        "{} products were compared with their holds",
        compared.products
    );
    if differences.is_empty() {
        return format!("{looked_at}; none differs");
    }
    let rows: Vec<_> = differences.iter().map(row).collect();
    let heads = ["PRODUCT", "AVAILABLE", "HELD", "SOLD", "STOCKED"];
    let done = match dry_run {
        true => format!("{} differ: reen stock repair", rows.len()),
        false => format!("{} were set right", rows.len()),
    };
    let more = match differences.len() < MOST {
        true => "",
        false => "; there may be more: type it again",
    };
    format!("{}{looked_at}; {done}{more}", table(heads, &rows))
}

fn row(difference: &StockDifference) -> [String; 5] {
    let counted = difference.counted.unwrap_or_default();
    let expected = difference.expected.unwrap_or_default();
    let change = |from: i64, to: i64| match from == to {
        true => from.to_string(),
        false => format!("{from} -> {to}"),
    };
    [
        difference.product_id.clone(),
        change(counted.available, expected.available),
        change(counted.held, expected.held),
        change(counted.sold, expected.sold),
        change(counted.stocked, expected.stocked),
    ]
}

fn view(compared: &RepairStockResponse) -> Value {
    let differences = compared.differences.iter().map(|difference| {
        json!({
            "productId": difference.product_id,
            "counted": counts(difference.counted),
            "expected": counts(difference.expected),
            "repaired": difference.repaired,
        })
    });
    json!({
        "products": compared.products,
        "differences": differences.collect::<Vec<_>>(),
    })
}

fn counts(counts: Option<StockCounts>) -> Value {
    let counts = counts.unwrap_or_default();
    json!({
        "available": counts.available,
        "held": counts.held,
        "sold": counts.sold,
        "stocked": counts.stocked,
    })
}
