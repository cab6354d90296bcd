use askama::Template;

use crate::domain::show_cents;

/// A line of a letter.
#[derive(Clone, Debug)]
pub(crate) struct LetterLine {
    pub(crate) name: String,
    pub(crate) quantity: i64,
    pub(crate) price_cents: i64,
}

impl LetterLine {
    fn price(&self) -> String {
        show_cents(self.price_cents)
    }
}

/// A letter in both of its forms.
#[derive(Clone, Debug)]
pub(crate) enum Letter {
    OrderConfirmed {
        order_id: String,
        total: String,
        lines: Vec<LetterLine>,
    },
    ProductsSold {
        order_id: String,
        total: String,
        lines: Vec<LetterLine>,
    },
    Refunded {
        total: String,
        lines: Vec<LetterLine>,
    },
    OrderRefunded {
        order_id: String,
        amount: String,
    },
    ResetPassword {
        /// Where the new password is set, with the token.
        link: String,
    },
    VerifyEmail {
        /// Where the address is verified, with the token.
        link: String,
    },
}

impl Letter {
    pub(crate) fn order_confirmed(
        order_id: String,
        total_cents: i64,
        lines: Vec<LetterLine>,
    ) -> Self {
        Self::OrderConfirmed {
            order_id,
            total: show_cents(total_cents),
            lines,
        }
    }

    pub(crate) fn products_sold(order_id: String, lines: Vec<LetterLine>) -> Self {
        let total = lines
            .iter()
            .fold(0_i64, |sum, line| sum.saturating_add(line.price_cents));
        Self::ProductsSold {
            order_id,
            total: show_cents(total),
            lines,
        }
    }

    pub(crate) fn refunded(total_cents: i64, lines: Vec<LetterLine>) -> Self {
        Self::Refunded {
            total: show_cents(total_cents),
            lines,
        }
    }

    pub(crate) fn order_refunded(order_id: String, amount_cents: i64) -> Self {
        Self::OrderRefunded {
            order_id,
            amount: show_cents(amount_cents),
        }
    }

    pub(crate) fn subject(&self) -> String {
        match self {
            Self::OrderConfirmed { order_id, .. } => format!("Your order {order_id}"),
            Self::ProductsSold { order_id, .. } => format!("You sold something: order {order_id}"),
            Self::Refunded { .. } => "Your payment was refunded".to_owned(),
            Self::OrderRefunded { order_id, .. } => format!("A refund for your order {order_id}"),
            Self::ResetPassword { .. } => "Set a new password".to_owned(),
            Self::VerifyEmail { .. } => "Verify your e-mail address".to_owned(),
        }
    }

    /// The letter for `name`, as HTML and as text.
    pub(crate) fn render(&self, name: &str) -> Result<Rendered, askama::Error> {
        Ok(Rendered {
            html: self.html(name)?,
            text: self.text(name)?,
        })
    }

    fn html(&self, name: &str) -> Result<String, askama::Error> {
        match self {
            Self::OrderConfirmed {
                order_id,
                total,
                lines,
            } => OrderConfirmedHtml {
                name,
                order_id,
                total,
                lines,
            }
            .render(),
            Self::ProductsSold {
                order_id,
                total,
                lines,
            } => ProductsSoldHtml {
                name,
                order_id,
                total,
                lines,
            }
            .render(),
            Self::Refunded { total, lines } => RefundedHtml { name, total, lines }.render(),
            Self::OrderRefunded { order_id, amount } => OrderRefundedHtml {
                name,
                order_id,
                amount,
            }
            .render(),
            Self::ResetPassword { link } => ResetPasswordHtml { name, link }.render(),
            Self::VerifyEmail { link } => VerifyEmailHtml { name, link }.render(),
        }
    }

    fn text(&self, name: &str) -> Result<String, askama::Error> {
        match self {
            Self::OrderConfirmed {
                order_id,
                total,
                lines,
            } => OrderConfirmedText {
                name,
                order_id,
                total,
                lines,
            }
            .render(),
            Self::ProductsSold {
                order_id,
                total,
                lines,
            } => ProductsSoldText {
                name,
                order_id,
                total,
                lines,
            }
            .render(),
            Self::Refunded { total, lines } => RefundedText { name, total, lines }.render(),
            Self::OrderRefunded { order_id, amount } => OrderRefundedText {
                name,
                order_id,
                amount,
            }
            .render(),
            Self::ResetPassword { link } => ResetPasswordText { name, link }.render(),
            Self::VerifyEmail { link } => VerifyEmailText { name, link }.render(),
        }
    }
}

/// The two forms of one letter.
pub(crate) struct Rendered {
    pub(crate) html: String,
    pub(crate) text: String,
}

macro_rules! template {
    ($name:ident, $path:literal { $($field:ident: $type:ty),+ }) => {
        #[derive(Template)]
        #[template(path = $path)]
        struct $name<'letter> {
            $($field: $type,)+
        }
    };
}

template!(OrderConfirmedHtml, "order_confirmed.html" {
    name: &'letter str, order_id: &'letter str, total: &'letter str, lines: &'letter [LetterLine]
});
template!(OrderConfirmedText, "order_confirmed.txt" {
    name: &'letter str, order_id: &'letter str, total: &'letter str, lines: &'letter [LetterLine]
});
template!(ProductsSoldHtml, "products_sold.html" {
    name: &'letter str, order_id: &'letter str, total: &'letter str, lines: &'letter [LetterLine]
});
template!(ProductsSoldText, "products_sold.txt" {
    name: &'letter str, order_id: &'letter str, total: &'letter str, lines: &'letter [LetterLine]
});
template!(RefundedHtml, "refunded.html" {
    name: &'letter str, total: &'letter str, lines: &'letter [LetterLine]
});
template!(RefundedText, "refunded.txt" {
    name: &'letter str, total: &'letter str, lines: &'letter [LetterLine]
});
template!(OrderRefundedHtml, "order_refunded.html" {
    name: &'letter str, order_id: &'letter str, amount: &'letter str
});
template!(OrderRefundedText, "order_refunded.txt" {
    name: &'letter str, order_id: &'letter str, amount: &'letter str
});
template!(ResetPasswordHtml, "reset_password.html" { name: &'letter str, link: &'letter str });
template!(ResetPasswordText, "reset_password.txt" { name: &'letter str, link: &'letter str });
template!(VerifyEmailHtml, "verify_email.html" { name: &'letter str, link: &'letter str });
template!(VerifyEmailText, "verify_email.txt" { name: &'letter str, link: &'letter str });

#[cfg(test)]
mod tests {
    use super::{Letter, LetterLine};

    #[test]
    fn both_forms_name_what_was_bought_and_html_is_escaped() {
        let line = LetterLine {
            name: "Lamp <b>".to_owned(),
            quantity: 2,
            price_cents: 123_450,
        };
        let letter = Letter::order_confirmed("66f0".to_owned(), 123_450, vec![line]);
        let rendered = letter.render("Ada & Co").unwrap();
        assert!(rendered.text.contains("2 × Lamp <b>"), "{}", rendered.text);
        assert!(rendered.text.contains("$1,234.50"));
        assert!(rendered.text.contains("Ada & Co"));
        assert!(!rendered.html.contains("Lamp <b>"));
        assert!(rendered.html.contains("$1,234.50"));
    }

    #[test]
    fn a_seller_reads_the_sum_of_the_lines() {
        let line = |price_cents| LetterLine {
            name: "Cup".to_owned(),
            quantity: 1,
            price_cents,
        };
        let letter = Letter::products_sold("66f0".to_owned(), vec![line(150), line(250)]);
        assert!(letter.render("Sam").unwrap().text.contains("$4.00"));
    }

    #[test]
    fn a_refund_of_an_order_names_the_order_and_the_amount() {
        let letter = Letter::order_refunded("66f0".to_owned(), 250);
        let rendered = letter.render("Ada").unwrap();
        for form in [rendered.text, rendered.html] {
            assert!(form.contains("66f0") && form.contains("$2.50"), "{form}");
        }
    }

    #[test]
    fn a_letter_about_the_account_holds_its_link_and_not_the_name_as_markup() {
        let link = "https://shop.example/reset-password?token=a-b_c".to_owned();
        let letters = [
            Letter::ResetPassword { link: link.clone() },
            Letter::VerifyEmail { link: link.clone() },
        ];
        for letter in letters {
            let rendered = letter.render("<b>Ada</b>").unwrap();
            assert!(!rendered.html.contains("<b>Ada"), "{}", rendered.html);
            for form in [rendered.text, rendered.html] {
                assert!(form.contains(&link), "{form}");
            }
        }
    }
}
