//! The law of the stock: available + held + sold = stocked, and none is ever negative.

/// Where the pieces of a product are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pile {
    Available,
    /// Set aside for checkouts that are not paid yet.
    Held,
    Sold,
}

/// What can happen to pieces: they go from one pile to another, so their sum stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Movement {
    Reserve,
    Sell,
    Release,
    Return,
}

impl Movement {
    pub(crate) fn from(self) -> Pile {
        match self {
            Self::Reserve => Pile::Available,
            Self::Sell | Self::Release => Pile::Held,
            Self::Return => Pile::Sold,
        }
    }

    pub(crate) fn to(self) -> Pile {
        match self {
            Self::Reserve => Pile::Held,
            Self::Sell => Pile::Sold,
            Self::Release | Self::Return => Pile::Available,
        }
    }

    /// Whether it changes what can be bought, and with it what everybody sees of the product.
    pub(crate) fn is_seen(self) -> bool {
        self.from() == Pile::Available || self.to() == Pile::Available
    }

    /// Those of the lines that moved like this of which everybody sees it: all or none.
    pub(crate) fn seen_in<T>(self, lines: Vec<T>) -> Vec<T> {
        if self.is_seen() { lines } else { Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::{Movement, Pile};

    #[test]
    fn pieces_come_back_the_way_they_went() {
        assert_eq!(Movement::Release.from(), Movement::Reserve.to());
        assert_eq!(Movement::Release.to(), Movement::Reserve.from());
        assert_eq!(Movement::Return.from(), Movement::Sell.to());
        assert_eq!(Movement::Return.to(), Pile::Available);
    }

    #[test]
    fn a_sale_does_not_change_what_can_be_bought() {
        assert!(!Movement::Sell.is_seen());
        assert!(Movement::Reserve.is_seen() && Movement::Release.is_seen());
        assert!(Movement::Return.is_seen());
    }
}
