//! Running `plenary-load`.

use std::fmt;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use loadtest::report::Report;
use tokio::process::Command;

/// Of every run, so that rooms have known names.
pub(crate) const SEED: &str = "7";
/// No run may take longer, whatever the server does.
const LONGEST: Duration = Duration::from_secs(60);

/// What came of a run.
pub(crate) struct Run {
    pub(crate) report: Report,
    pub(crate) exit_code: Option<i32>,
    /// What it said to people.
    said: String,
}

/// Tells why a test failed.
impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let findings = self.report.findings.iter().take(20);
        f.debug_struct("Run")
            .field("exit_code", &self.exit_code)
            .field("aborted", &self.report.aborted)
            .field("totals", &self.report.totals)
            .field("findings", &findings.collect::<Vec<_>>())
            .field("findings_by_kind", &self.report.findings_by_kind)
            .finish_non_exhaustive()?;
        write!(f, "\n{}", self.said)
    }
}

/// Runs the small scenario to its end.
pub(crate) async fn plenary_load(
    server: &str,
    key: Option<&(String, String)>,
    more: &[&str],
) -> Run {
    let anybody = (
        "APIanybody".to_owned(),
        "a secret that nobody checks at all".to_owned(),
    );
    let (key, secret) = key.unwrap_or(&anybody);
    let json = report_path();
    let scenario = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/servers/small.toml");
    let child = Command::new(env!("CARGO_BIN_EXE_plenary-load"))
        .args(["run", scenario, "--server", server, "--seed", SEED])
        .args(["--api-key", key, "--api-secret", secret, "--threads", "1"])
        .arg("--json")
        .arg(&json)
        .args(more)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the program starts");
    let output = tokio::time::timeout(LONGEST, child.wait_with_output())
        .await
        .expect("the run ends in bounded time")
        .expect("the program ends");
    let said = [output.stderr, output.stdout].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    let text = std::fs::read_to_string(&json).expect("a report");
    std::fs::remove_file(&json).expect("the report is ours");
    let report = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {said}"));
    Run {
        report,
        exit_code: output.status.code(),
        said,
    }
}

fn report_path() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("servers-{}-{number}.json", std::process::id());
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name)
}
