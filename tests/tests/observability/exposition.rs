use std::collections::BTreeSet;

/// What a process tells, in Prometheus' text format.
pub(crate) struct Exposition(pub(crate) String);

impl Exposition {
    /// The names under which something is told.
    pub(crate) fn names(&self) -> BTreeSet<&str> {
        self.series().map(name).collect()
    }

    /// One for each value: a name with its labels.
    pub(crate) fn series(&self) -> impl Iterator<Item = &str> {
        let values = self.0.lines().filter(|line| !line.starts_with('#'));
        values.filter_map(|line| line.rsplit_once(' ').map(|(series, _)| series))
    }

    /// The values of labels, each with the series that it is of.
    pub(crate) fn label_values(&self) -> impl Iterator<Item = (&str, &str)> {
        self.series().flat_map(|series| {
            let quoted = series.split('"').skip(1).step_by(2);
            quoted.map(move |value| (series, value))
        })
    }

    /// What this series says now.
    pub(crate) fn value(&self, series: &str) -> Option<f64> {
        let mut values = self.0.lines().filter_map(|line| line.rsplit_once(' '));
        let (_, value) = values.find(|(found, _)| *found == series)?;
        value.parse().ok()
    }
}

fn name(series: &str) -> &str {
    series.split_once('{').map_or(series, |(name, _)| name)
}
