//! Something to look at in an empty shop.

use anyhow::{Context, Result};

use super::account::{Account, Product};
use super::api::Api;
use super::money::Cents;
use crate::mesh::Run;
use crate::progress;

const SELLERS: [(&str, [Product<'_>; 7]); 2] = [
    (
        "Werkstatt Mira Kaya",
        [
            product(
                "Oak Writing Desk",
                "Solid oiled oak, 140 × 70 cm, with one drawer and a cable slot.",
                64_900,
                12,
            ),
            product(
                "Walnut Stool",
                "Three legs, turned by hand, 45 cm high.",
                18_900,
                30,
            ),
            product(
                "Linen Floor Cushion",
                "Washable linen cover, filled with buckwheat husk.",
                7_450,
                80,
            ),
            product(
                "Wall Shelf, Ash",
                "80 cm, hidden fittings, holds 18 kg.",
                9_900,
                45,
            ),
            product(
                "Coat Rack of Steam-bent Beech",
                "Six hooks, one piece of wood.",
                12_900,
                25,
            ),
            product(
                "Cutting Board, End Grain",
                "Maple, 40 × 28 cm, with a juice groove.",
                8_900,
                60,
            ),
            product(
                "Paper Pendant Lamp",
                "Folded by hand, 50 cm, fitting E27 included.",
                5_995,
                100,
            ),
        ],
    ),
    (
        "Nordlicht Audio",
        [
            product(
                "Bookshelf Speakers, Pair",
                "Two-way, 5-inch paper cone, birch plywood cabinet, 86 dB.",
                44_900,
                20,
            ),
            product(
                "Turntable RT-2",
                "Belt drive, 33 and 45 rpm, with a moving-magnet cartridge.",
                32_900,
                15,
            ),
            product(
                "Open-back Headphones",
                "32 ohm, 240 g, replaceable cable and pads.",
                19_900,
                70,
            ),
            product(
                "Stereo Amplifier, 2 × 40 W",
                "Class D, phono input, remote control.",
                27_900,
                22,
            ),
            product(
                "USB Audio Interface",
                "Two microphone preamplifiers, 24 bit, 192 kHz.",
                15_950,
                40,
            ),
            product(
                "Record Brush",
                "Carbon fibre, in a wooden case.",
                1_990,
                200,
            ),
            product(
                "Speaker Cable, 10 m",
                "2 × 2.5 mm², oxygen-free copper.",
                2_490,
                150,
            ),
        ],
    ),
];

const fn product(
    name: &'static str,
    description: &'static str,
    cents: i64,
    quantity: u32,
) -> Product<'static> {
    Product {
        name,
        description,
        price: Cents(cents),
        quantity,
    }
}

/// Lists the products of two sellers, when nobody sells anything yet.
pub(crate) fn fill_catalogue(run: &Run) -> Result<()> {
    let api = Api::of_gateway(&run.gateway);
    let first_page = api.get("/products?page=1&limit=1", None)?;
    let total = first_page["meta"]["total"]
        .as_u64()
        .context("GET /products tells no total")?;
    if total > 0 {
        return Ok(());
    }
    progress::step("filling the catalogue", || {
        for (name, products) in &SELLERS {
            let seller = Account::sign_up(&api, name)?;
            seller.become_seller(&api)?;
            for product in products {
                seller.list_product(&api, product)?;
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// What a new user has after paying for the right to sell.
    const SELLERS_BALANCE: i64 = 384_000_000;

    #[test]
    fn the_sellers_can_afford_their_listings() {
        for (name, products) in &SELLERS {
            let values = products
                .iter()
                .map(|it| it.price.times(i64::from(it.quantity)).0);
            let fees: i64 = values.map(|value| value * 4 / 100 + 1).sum();
            assert!(fees < SELLERS_BALANCE, "{name}");
        }
    }

    #[test]
    fn there_are_at_least_twelve_different_products() {
        let all = SELLERS.iter().flat_map(|(_, products)| products);
        let names: HashSet<_> = all.map(|product| product.name).collect();
        assert!(names.len() >= 12);
    }
}
