use tokio::sync::watch;

/// How far a check is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Glance {
    /// What is looked at now, in the plural; empty before the first.
    pub stage: &'static str,
    /// How many of them were looked at.
    pub looked_at: u64,
}

/// Shows how far a check is while it runs.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    glance: watch::Sender<Glance>,
}

impl Progress {
    /// How far it is now.
    #[must_use]
    pub fn glance(&self) -> Glance {
        *self.glance.borrow()
    }

    pub(crate) fn show(&self, stage: &'static str, looked_at: u64) {
        self.glance.send_replace(Glance { stage, looked_at });
    }
}
