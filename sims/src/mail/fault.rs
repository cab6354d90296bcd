/// How the stand-in fails a letter for one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// 451 at the letter's end: the sender is to try again.
    NotNow,
    /// 550 at the recipient: trying again is in vain.
    NoSuchMailbox,
    /// 550 5.7.1 at the recipient: the server does not let this sender write to it (RFC 3463).
    NotTrusted,
    /// The letter is taken, and the connection ends before the sender hears of it.
    AnswerLost,
}

impl Fault {
    fn is_of_recipient(self) -> bool {
        matches!(self, Self::NoSuchMailbox | Self::NotTrusted)
    }
}

/// What is to fail, and how often yet.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Planned>);

#[derive(Debug)]
struct Planned {
    address: String,
    fault: Fault,
    times: u32,
}

impl Faults {
    pub(super) fn plan(&mut self, address: &str, fault: Fault, times: u32) {
        self.0.push(Planned {
            address: address.to_owned(),
            fault,
            times,
        });
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The fault that a recipient meets as it is named.
    pub(super) fn at_recipient(&mut self, address: &str) -> Option<Fault> {
        let to = [address.to_owned()];
        self.next(&to, Fault::is_of_recipient)
    }

    /// The fault that a letter meets at its end.
    pub(super) fn at_end(&mut self, to: &[String]) -> Option<Fault> {
        self.next(to, |fault| !fault.is_of_recipient())
    }

    fn next(&mut self, to: &[String], fits: impl Fn(Fault) -> bool) -> Option<Fault> {
        self.0.retain(|planned| planned.times > 0);
        let is_meant = |planned: &Planned| {
            to.iter()
                .any(|to| to.eq_ignore_ascii_case(&planned.address))
        };
        let mut planned = self.0.iter_mut();
        let next = planned.find(|planned| fits(planned.fault) && is_meant(planned))?;
        next.times -= 1;
        Some(next.fault)
    }
}

#[cfg(test)]
mod tests {
    use super::{Fault, Faults};

    #[test]
    fn a_fault_is_met_by_its_address_as_often_as_planned() {
        let mut faults = Faults::default();
        faults.plan("a@reen.example", Fault::NotNow, 1);
        faults.plan("a@reen.example", Fault::AnswerLost, 1);
        faults.plan("b@reen.example", Fault::NoSuchMailbox, 1);
        let both = ["b@reen.example".to_owned(), "A@reen.example".to_owned()];
        assert_eq!(faults.at_recipient("a@reen.example"), None);
        assert_eq!(faults.at_end(&both[..1]), None);
        assert_eq!(faults.at_end(&both), Some(Fault::NotNow));
        assert_eq!(faults.at_end(&both), Some(Fault::AnswerLost));
        assert_eq!(faults.at_end(&both), None);
        let refused = faults.at_recipient("B@reen.example");
        assert_eq!(refused, Some(Fault::NoSuchMailbox));
        assert_eq!(faults.at_recipient("b@reen.example"), None);
    }
}
