//! What a function is called where people read it.

use std::path::Path;

use pprof::Symbol;

/// The path of a function, without what it was instantiated with.
pub(super) fn readable(symbol: &Symbol) -> String {
    let name = symbol.name();
    let is_path = name.contains("::") && !is_instance(&name);
    let module = symbol.filename.as_deref().and_then(module);
    match module {
        Some(module) if !is_path => format!("{module}::{}", without_parameters(&name)),
        _ => name.chars().take(MAX_CHARS).collect(),
    }
}

/// Characters of a name. Types of Rust have no bound, and iterators make full use of that.
const MAX_CHARS: usize = 200;

/// Debugging information has only the last part of a name, and behind it whole types.
fn is_instance(name: &str) -> bool {
    name.find('<')
        .is_some_and(|at| at > 0 && !name[..at].contains("::"))
}

fn without_parameters(name: &str) -> &str {
    match name.find('<') {
        Some(at) if at > 0 => &name[..at],
        _ => name,
    }
}

/// The module that is in this file: `tokio::net` for `…/tokio-1.54.0/src/net/mod.rs`.
fn module(file: &Path) -> Option<String> {
    let (package, inside) = file.to_str()?.strip_suffix(".rs")?.rsplit_once("/src/")?;
    let package = package.rsplit('/').next()?;
    let package = package
        .rsplit_once('-')
        .filter(|(_, version)| version.starts_with(|c: char| c.is_ascii_digit()))
        .map_or(package, |(name, _)| name);
    let parts = inside
        .split('/')
        .filter(|part| !matches!(*part, "lib" | "main" | "mod"));
    let mut module = package.replace('-', "_");
    for part in parts {
        module.push_str("::");
        module.push_str(part);
    }
    Some(module)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn a_name_without_a_path_gets_that_of_its_file() {
        for (name, file, expected) in [
            (
                "interest",
                "/registry/src/index.crates.io-1949/tokio-1.54.0/src/io/ready.rs",
                "tokio::io::ready::interest",
            ),
            (
                "fold<core::iter::Map<u8>, u8>",
                "/rustc/59807616e/library/core/src/iter/traits/iterator.rs",
                "core::iter::traits::iterator::fold",
            ),
            (
                "{closure#0}<alloc::string::String>",
                "/home/ann/plenary/server/src/worker/mod.rs",
                "server::worker::{closure#0}",
            ),
            (
                "_RNvMs_NtCs1_7plenary6workerNtB4_6Worker3run",
                "/home/ann/plenary/server/src/worker/mod.rs",
                "<plenary::worker::Worker>::run",
            ),
            (
                "aes_gcm_encrypt",
                "/registry/src/a/aws-lc-sys-0.47.0/gcm.c",
                "aes_gcm_encrypt",
            ),
        ] {
            assert_eq!(readable(&symbol(name, file)), expected);
        }
    }

    #[test]
    fn a_name_has_an_end() {
        let long = format!("{}::f", "a".repeat(1000));

        assert_eq!(readable(&symbol(&long, "a.rs")).len(), MAX_CHARS);
    }

    fn symbol(name: &str, file: &str) -> Symbol {
        Symbol {
            name: Some(name.into()),
            addr: None,
            lineno: None,
            filename: Some(PathBuf::from(file)),
        }
    }
}
