//! Compressed bytes that are changed at random are hardly ever sound. So most of the time what they unpack to is changed,
//! and compressed again.

#![no_main]

use flate2::{Compression, bufread::MultiGzDecoder, write::GzEncoder};
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use std::io::{Read, Write};

fuzz_target!(|bytes: &[u8]| {
    fuzz::gzip(bytes);
});

fuzz_mutator!(|bytes: &mut [u8], size: usize, max_size: usize, seed: u32| {
    if seed % 4 != 0 {
        let mut plain = Vec::new();
        let unpacked = MultiGzDecoder::new(&bytes[..size])
            .take(max_size as u64)
            .read_to_end(&mut plain);
        let length = if unpacked.is_ok() { plain.len() } else { 0 };
        plain.resize(max_size, 0);
        let length = fuzzer_mutate(&mut plain, length, max_size);
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        if let Ok(()) = encoder.write_all(&plain[..length])
            && let Ok(packed) = encoder.finish()
            && packed.len() <= max_size
        {
            bytes[..packed.len()].copy_from_slice(&packed);
            return packed.len();
        }
    }
    fuzzer_mutate(bytes, size, max_size)
});
