//! Builds the C half of this crate and links libvpx.

fn main() {
    println!("cargo:rerun-if-changed=src/shim.c");

    cc::Build::new()
        .file("src/shim.c")
        .warnings(true)
        .extra_warnings(true)
        .compile("plenary_vpx_shim");
    println!("cargo:rustc-link-lib=vpx");
}
