//! Builds the C half of this crate and links libdav1d.

fn main() {
    println!("cargo:rerun-if-changed=src/shim.c");

    cc::Build::new()
        .file("src/shim.c")
        .warnings(true)
        .extra_warnings(true)
        .compile("plenary_dav1d_shim");
    println!("cargo:rustc-link-lib=dav1d");
}
