//! What holds of the whole workspace and no compiler checks: which crate may know which, and how
//! the files look.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The crates without sockets, threads and clocks.
const PURE: [&str; 3] = ["proto", "router", "mixer"];

/// Each crate with those of the workspace it may depend on.
const ARROWS: [(&str, &[&str]); 8] = [
    ("proto", &["prefetch"]),
    ("router", &["proto"]),
    ("mixer", &["proto", "vpx", "dav1d"]),
    ("server", &["proto", "router", "mixer", "prefetch"]),
    ("loadtest", &["proto", "vpx"]),
    // Inside mixer/: the walls around libvpx and libdav1d.
    ("vpx", &[]),
    ("dav1d", &[]),
    // Inside proto/: the wall around an instruction.
    ("prefetch", &[]),
];

/// The wall. Long before it, there is a noun hiding inside.
const MAX_LINES: usize = 1000;

#[test]
fn pure_crates_have_no_tokio_in_their_trees() {
    for name in PURE {
        let tree = cargo(&[
            "tree",
            "-p",
            name,
            "-e",
            "normal",
            "--prefix",
            "none",
            "--locked",
            "--offline",
        ]);

        assert!(tree.starts_with(name), "no tree of {name}: {tree}");
        let found: Vec<_> = tree
            .lines()
            .filter(|line| line.starts_with("tokio"))
            .collect();
        assert!(found.is_empty(), "{name} has {found:?}");
    }
}

#[test]
fn crates_depend_on_each_other_as_designed() {
    for (name, dependencies) in workspace() {
        let Some((_, allowed)) = ARROWS.iter().find(|(crate_name, _)| *crate_name == name) else {
            panic!("{name} has no place in the design");
        };

        for dependency in dependencies {
            // A crate may take itself in, with other features, for its tests.
            let inside = dependency != name && ARROWS.iter().any(|(other, _)| *other == dependency);
            assert!(
                !inside || allowed.contains(&dependency.as_str()),
                "{name} depends on {dependency}"
            );
            assert!(
                name == "proto" || !dependency.starts_with("str0m"),
                "{name} depends on {dependency}"
            );
        }
    }
}

#[test]
fn only_the_session_names_str0m() {
    let session = root().join("proto/src/session");
    // Apart, so that this line does not name it.
    let names = ["str0m", "str0m_aws_lc_rs"].map(|name| format!("{name}::"));

    for path in files(&["rs"]) {
        let text = read(&path);
        let named = names.iter().any(|name| text.contains(name));
        assert!(
            !named || path.starts_with(&session),
            "{} names str0m",
            path.display()
        );
    }
}

#[test]
fn no_file_is_too_long() {
    for path in files(&["rs", "ts", "tsx"]) {
        let lines = read(&path).lines().count();
        assert!(lines <= MAX_LINES, "{} has {lines} lines", path.display());
    }
}

#[cfg(unix)]
#[test]
fn scripts_can_be_executed() {
    use std::os::unix::fs::PermissionsExt;

    for folder in ["deploy", ".ci"] {
        for path in walk(&root().join(folder)) {
            let script = fs::read(&path).expect("a readable file").starts_with(b"#!");
            let mode = fs::metadata(&path).expect("a file").permissions().mode();
            assert!(
                !script || mode & 0o111 == 0o111,
                "{} is not executable",
                path.display()
            );
        }
    }
}

fn root() -> PathBuf {
    let server = Path::new(env!("CARGO_MANIFEST_DIR"));
    server
        .parent()
        .expect("server is inside the workspace")
        .to_owned()
}

/// What a cargo command prints.
fn cargo(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(args)
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {args:?}: {errors}");
    String::from_utf8(output.stdout).expect("text")
}

/// The crates of the workspace, each with all it depends on, also for its tests.
fn workspace() -> Vec<(String, BTreeSet<String>)> {
    let metadata = cargo(&[
        "metadata",
        "--no-deps",
        "--format-version",
        "1",
        "--locked",
        "--offline",
    ]);
    let metadata: Value = serde_json::from_str(&metadata).expect("JSON");
    let name = |of: &Value| of["name"].as_str().expect("a name").to_owned();
    let list = |of: &Value| of.as_array().expect("a list").clone();
    let packages = list(&metadata["packages"]);
    let crates = packages.iter().map(|package| {
        (
            name(package),
            list(&package["dependencies"]).iter().map(name).collect(),
        )
    });
    crates.collect()
}

/// All source files with one of these extensions.
fn files(extensions: &[&str]) -> Vec<PathBuf> {
    let wanted = |path: &PathBuf| {
        path.extension()
            .is_some_and(|own| extensions.iter().any(|extension| own == *extension))
    };
    let files: Vec<_> = walk(&root()).into_iter().filter(wanted).collect();
    assert!(!files.is_empty());
    files
}

/// All files below a folder, but for those that are made or fetched.
fn walk(folder: &Path) -> Vec<PathBuf> {
    const NOT_OURS: [&str; 7] = [
        "target",
        "node_modules",
        "dist",
        ".cache",
        ".git",
        "corpus",
        "artifacts",
    ];
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let entry = entry.expect("a readable folder");
        let kind = entry.file_type().expect("a type");
        if kind.is_dir() && !NOT_OURS.iter().any(|name| entry.file_name() == *name) {
            files.extend(walk(&entry.path()));
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    files
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
