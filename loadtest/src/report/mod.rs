//! What a run has to tell, and the forms it is told in.

mod csv;
mod model;
mod page;
#[cfg(test)]
mod sample;
mod table;

pub use csv::csv;
pub use model::*;
pub use page::page;
pub use table::table;

/// Writes the report as JSON, for people and programs.
pub fn json(report: &Report) -> serde_json::Result<String> {
    serde_json::to_string_pretty(report)
}

#[cfg(test)]
mod tests {
    use serde_json::to_value;

    use super::{sample::sample, *};

    #[test]
    fn json_reads_back_as_the_same_report() {
        let report = sample();

        let read: Report = serde_json::from_str(&json(&report).unwrap()).unwrap();

        assert_eq!(to_value(read).unwrap(), to_value(report).unwrap());
    }
}
