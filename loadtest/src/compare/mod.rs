//! Several servers side by side: reports of the same scenarios become one page.
//!
//! Reports lie in a folder as `scenario.server.round.json`; searches for the limit as
//! `scenario-limit.server.round.json`. Each figure is compared within its round, in which the
//! servers ran one after another, so that what the machine did besides hits all of them.

mod figure;
mod page;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use crate::report::Report;

pub use figure::{FIGURES, Figure};
pub use page::page;

/// Reports by scenario, then by round, then by server.
#[derive(Debug, Default)]
pub struct Runs(pub BTreeMap<String, BTreeMap<u32, BTreeMap<String, Report>>>);

impl Runs {
    /// Reads a folder.
    ///
    /// # Errors
    /// It cannot be read, a report in it is damaged, or there is none.
    pub fn read(folder: &Path) -> Result<Self> {
        let mut runs = Self::default();
        let entries = std::fs::read_dir(folder)
            .with_context(|| format!("cannot read the folder {}", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            let Some((scenario, server, round)) = name.and_then(parts) else {
                continue;
            };
            let report = read(&path).with_context(|| format!("the report {}", path.display()))?;
            let rounds = runs.0.entry(scenario.to_owned()).or_default();
            let servers = rounds.entry(round).or_default();
            servers.insert(server.to_owned(), report);
        }
        if runs.0.is_empty() {
            bail!(
                "there are no reports in {}; they are called scenario.server.round.json",
                folder.display()
            );
        }
        Ok(runs)
    }

    /// What a figure is for a server, round by round.
    fn values(&self, scenario: &str, server: &str, figure: &Figure) -> Vec<(u32, f64)> {
        let rounds = self.0.get(scenario).into_iter().flatten();
        rounds
            .filter_map(|(round, servers)| Some((*round, (figure.value)(servers.get(server)?)?)))
            .collect()
    }

    /// A figure of a server and its ratio to another's.
    pub fn compare(
        &self,
        scenario: &str,
        server: &str,
        baseline: &str,
        figure: &Figure,
    ) -> Option<Comparison> {
        let own = self.values(scenario, server, figure);
        let other: BTreeMap<u32, f64> = self
            .values(scenario, baseline, figure)
            .into_iter()
            .collect();
        let ratios = own.iter().map(|(round, value)| {
            let base = other.get(round).filter(|base| **base > 0.0)?;
            Some(value / base)
        });
        let values = own.iter().map(|(_, value)| *value);
        Some(Comparison {
            value: Spread::of(values.collect())?,
            ratio: ratios.collect::<Option<_>>().and_then(Spread::of),
        })
    }

    /// Every server there is a report of.
    pub fn servers(&self) -> Vec<String> {
        let rounds = self.0.values().flat_map(BTreeMap::values);
        let mut servers: Vec<String> = rounds.flat_map(BTreeMap::keys).cloned().collect();
        servers.sort();
        servers.dedup();
        servers
    }
}

/// A figure of one server beside another's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// Over the rounds.
    pub value: Spread,
    /// Ratio to the other within each round, if the other has the figure in all of them and it is
    /// above zero.
    pub ratio: Option<Spread>,
}

/// Several measurements of the same.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// Their median.
    pub median: f64,
    /// The smallest.
    pub least: f64,
    /// The largest.
    pub most: f64,
}

impl Spread {
    fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let (least, most) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median = if values.len().is_multiple_of(2) {
            f64::midpoint(values[middle - 1], values[middle])
        } else {
            values[middle]
        };
        Some(Self {
            median,
            least,
            most,
        })
    }
}

/// Scenario, server and round of a report's file name.
fn parts(name: &str) -> Option<(&str, &str, u32)> {
    let (rest, round) = name.strip_suffix(".json")?.rsplit_once('.')?;
    let (scenario, server) = rest.split_once('.')?;
    Some((scenario, server, round.parse().ok()?))
}

fn read(path: &Path) -> Result<Report> {
    let report: Report = serde_json::from_str(&std::fs::read_to_string(path)?)?;
    ensure!(
        report.report_version == crate::report::REPORT_VERSION,
        "it is of version {}, which this plenary-load does not read",
        report.report_version
    );
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(cpu_us_per_packet: f64) -> Report {
        let cost = crate::report::ServerCost {
            pids: vec![1],
            cpu_us_per_packet,
            ..Default::default()
        };
        Report {
            server_cost: Some(cost),
            passed: true,
            ..Report::default()
        }
    }

    fn runs(values: &[(u32, &str, f64)]) -> Runs {
        let mut runs = Runs::default();
        for (round, server, value) in values {
            let rounds = runs.0.entry("webinar".to_owned()).or_default();
            let servers = rounds.entry(*round).or_default();
            servers.insert((*server).to_owned(), report(*value));
        }
        runs
    }

    #[test]
    fn compares_within_each_round() {
        // The machine was twice as slow in the second round.
        let runs = runs(&[
            (1, "ours", 10.0),
            (1, "theirs", 30.0),
            (2, "ours", 20.0),
            (2, "theirs", 60.0),
        ]);

        let compared = runs.compare("webinar", "theirs", "ours", &FIGURES[0]);

        let compared = compared.expect("both are there");
        assert_eq!(compared.value.median, 45.0);
        let ratio = compared.ratio.expect("both are there");
        assert_eq!((ratio.least, ratio.median, ratio.most), (3.0, 3.0, 3.0));
    }

    #[test]
    fn file_names_tell_what_a_report_is_of() {
        assert_eq!(parts("webinar.janus.2.json"), Some(("webinar", "janus", 2)));
        assert_eq!(parts("versions.json"), None);
        assert_eq!(parts("webinar.janus.2.html"), None);
    }

    #[test]
    fn a_page_tells_of_each_server() {
        let runs = runs(&[(1, "ours", 10.0), (1, "theirs", 30.0)]);
        let versions = BTreeMap::from([("theirs".to_owned(), "Theirs 1.2".to_owned())]);

        let page = page(&runs, "ours", &versions, "A test.");

        assert!(page.contains("Theirs 1.2"), "{page}");
        assert!(page.contains("3.00"), "{page}");
    }
}
