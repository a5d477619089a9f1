//! A server's own metrics, in Prometheus' text format.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// Values by name, summed over labels.
pub type Metrics = BTreeMap<String, f64>;

/// A server that takes longer has no metrics.
const DEADLINE: Duration = Duration::from_secs(3);
/// Names that are kept; further ones are left out.
const MAX_NAMES: usize = 1_000;

/// Fetches them.
///
/// # Errors
/// There is no answer, or it is none of metrics.
pub async fn scrape(url: &str) -> Result<Metrics> {
    let client = reqwest::Client::builder().timeout(DEADLINE).build()?;
    let answer = client
        .get(url)
        .send()
        .await
        .with_context(|| format!("cannot fetch the metrics at {url}"))?;
    if !answer.status().is_success() {
        bail!("the metrics at {url}: HTTP {}", answer.status());
    }
    let metrics = read(&answer.text().await?);
    if metrics.is_empty() {
        bail!("there are no metrics at {url}");
    }
    Ok(metrics)
}

/// Reads the text, leaving out what it does not understand.
fn read(text: &str) -> Metrics {
    let mut metrics = Metrics::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some((name, value)) = read_line(line) else {
            continue;
        };
        if metrics.len() < MAX_NAMES || metrics.contains_key(name) {
            *metrics.entry(name.to_owned()).or_default() += value;
        }
    }
    metrics
}

/// Name and value of `name{labels} value [time]`. Buckets of histograms have no meaning as a sum.
fn read_line(line: &str) -> Option<(&str, f64)> {
    let name = line.split(['{', ' ']).next()?;
    let rest = match line.rsplit_once('}') {
        Some((_, rest)) => rest,
        None => line.get(name.len()..)?,
    };
    let value: f64 = rest.split_whitespace().next()?.parse().ok()?;
    (value.is_finite() && !name.is_empty() && !name.ends_with("_bucket")).then_some((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_over_labels_and_leaves_out_what_is_none() {
        let text = "# HELP a b\na_total{room=\"x\"} 3\na_total{room=\"y } z\"} 4.5 1700000000\n\
                    b 1e3\nc_bucket{le=\"1\"} 9\nnonsense\nd NaN\n";

        let metrics = read(text);

        let expected = [("a_total", 7.5), ("b", 1_000.0)];
        assert!(
            metrics
                .iter()
                .map(|(name, value)| (name.as_str(), *value))
                .eq(expected)
        );
    }
}
