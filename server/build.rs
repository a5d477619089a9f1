//! Makes sure the folder of the built web app exists, so that the server builds without Node.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=web/dist");
    if let Err(error) = std::fs::create_dir_all("web/dist") {
        println!("cargo::warning=cannot make web/dist: {error}");
    }
}
