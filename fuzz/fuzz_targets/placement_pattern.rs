//! libFuzzer's way into [`tsg_fuzz::placement_pattern`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tsg_fuzz::placement_pattern(input));
