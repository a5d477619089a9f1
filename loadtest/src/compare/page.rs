//! The page of a comparison, in Markdown.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::figure::LARGEST_SIZE;
use super::{Comparison, FIGURES, Figure, Runs};

/// Writes it. `about` says when and on what; `versions` what each server is.
pub fn page(
    runs: &Runs,
    baseline: &str,
    versions: &BTreeMap<String, String>,
    about: &str,
) -> String {
    let mut out = String::from("# Plenary beside other servers\n\n");
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{}\n", about.trim_end());
    let _ = writeln!(out, "| server | version |\n|---|---|");
    let servers = in_order(runs, baseline);
    for server in &servers {
        let version = versions.get(server).map_or("unknown", String::as_str);
        let _ = writeln!(out, "| {server} | {version} |");
    }
    for scenario in runs.0.keys() {
        match scenario.strip_suffix("-limit") {
            Some(searched) => {
                let _ = writeln!(out, "\n## The largest {searched}\n");
                write_head(&mut out, &servers);
                write_figure(&mut out, runs, scenario, &servers, baseline, &LARGEST_SIZE);
            }
            None => write_scenario(&mut out, runs, scenario, &servers, baseline),
        }
    }
    out
}

/// The baseline comes first.
fn in_order(runs: &Runs, baseline: &str) -> Vec<String> {
    let mut servers = runs.servers();
    servers.sort_by_key(|server| server != baseline);
    servers
}

fn write_scenario(
    out: &mut String,
    runs: &Runs,
    scenario: &str,
    servers: &[String],
    baseline: &str,
) {
    let Some(rounds) = runs.0.get(scenario) else {
        return;
    };
    let _ = writeln!(out, "\n## {scenario}\n");
    if let Some(report) = rounds.values().flat_map(BTreeMap::values).next() {
        let plan = &report.plan;
        let _ = writeln!(
            out,
            "{}: {} rooms, {} participants, {} of them publish, {} subscriptions, {:.0} s; {} \
             rounds.\n",
            report.summary,
            plan.rooms,
            plan.participants,
            plan.publishers,
            plan.subscriptions,
            report.steady_to_s - report.steady_from_s,
            rounds.len(),
        );
    }
    write_head(out, servers);
    for figure in &FIGURES {
        write_figure(out, runs, scenario, servers, baseline, figure);
    }
    let _ = write!(out, "| runs that held every bar |");
    for server in servers {
        let own = rounds.values().filter_map(|round| round.get(server));
        let held = own.clone().filter(|report| report.passed).count();
        let _ = write!(out, " {held} of {} |", own.count());
    }
    out.push('\n');
}

fn write_head(out: &mut String, servers: &[String]) {
    let _ = write!(out, "| figure |");
    for server in servers {
        let _ = write!(out, " {server} |");
    }
    let _ = writeln!(out, "\n|---|{}", "---|".repeat(servers.len()));
}

fn write_figure(
    out: &mut String,
    runs: &Runs,
    scenario: &str,
    servers: &[String],
    baseline: &str,
    figure: &Figure,
) {
    let compared: Vec<Option<Comparison>> = servers
        .iter()
        .map(|server| runs.compare(scenario, server, baseline, figure))
        .collect();
    if compared.iter().all(Option::is_none) {
        return;
    }
    let unit = match figure.unit {
        "" => String::new(),
        unit => format!(", {unit}"),
    };
    let _ = write!(out, "| {}{unit} |", figure.name);
    for (server, compared) in servers.iter().zip(compared) {
        let is_baseline = server == baseline;
        let _ = write!(out, " {} |", cell(figure, is_baseline, compared));
    }
    out.push('\n');
}

/// The median; for others than the baseline also the ratio, with its spread over the rounds.
fn cell(figure: &Figure, is_baseline: bool, compared: Option<Comparison>) -> String {
    let Some(Comparison { value, ratio }) = compared else {
        return "-".to_owned();
    };
    let median = format!("{:.*}", figure.digits, value.median);
    match ratio.filter(|_| !is_baseline) {
        Some(ratio) => format!(
            "{median} = **{:.2}** × ({:.2} to {:.2})",
            ratio.median, ratio.least, ratio.most
        ),
        None => median,
    }
}
