#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mixer_fuzz::journal::run(data));
