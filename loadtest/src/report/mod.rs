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
    use super::{
        sample::{sample, value},
        *,
    };

    #[test]
    fn json_reads_back_as_the_same_report() {
        let report = sample();

        let json = json(&report).expect("plain data");

        let read: Report = serde_json::from_str(&json).expect("the same shape");
        assert_eq!(value(&read), value(&report));
    }
}
