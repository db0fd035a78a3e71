//! What an x86-64 processor says of itself: the instruction `cpuid`, leaf by leaf.

use super::{Cpu, Level};
use std::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};

/// An instruction set that a build may be compiled for.
#[derive(Debug)]
pub(super) struct Feature {
    /// As in `-C target-feature`.
    pub(super) name: &'static str,
    /// Whether this build may use it anywhere.
    is_compiled_in: bool,
    place: Place,
    /// The registers that the system must save for it.
    state: State,
}

/// Where `cpuid` tells whether the processor has it.
#[derive(Clone, Copy, Debug)]
struct Place {
    leaf: u32,
    sub_leaf: u32,
    register: Register,
    bit: u32,
}

#[derive(Clone, Copy, Debug)]
enum Register {
    Eax,
    Ebx,
    Ecx,
    Edx,
}

/// Bits of the register XCR0.
#[derive(Clone, Copy, Debug)]
enum State {
    Any = 0,
    Ymm = 0b110,
    Zmm = 0b1110_0110,
}

macro_rules! features {
    ($($name:tt $leaf:literal $sub_leaf:literal $register:ident $bit:literal $state:ident;)+) => {
        &[$(Feature {
            name: $name,
            is_compiled_in: cfg!(target_feature = $name),
            place: Place { leaf: $leaf, sub_leaf: $sub_leaf, register: Register::$register, bit: $bit },
            state: State::$state,
        }),+]
    };
}

/// From Intel's and AMD's manuals of their instruction sets.
pub(super) const FEATURES: &[Feature] = features! {
    "sse3"               1 0 Ecx 0 Any;
    "pclmulqdq"          1 0 Ecx 1 Any;
    "ssse3"              1 0 Ecx 9 Any;
    "fma"                1 0 Ecx 12 Ymm;
    "cmpxchg16b"         1 0 Ecx 13 Any;
    "sse4.1"             1 0 Ecx 19 Any;
    "sse4.2"             1 0 Ecx 20 Any;
    "movbe"              1 0 Ecx 22 Any;
    "popcnt"             1 0 Ecx 23 Any;
    "aes"                1 0 Ecx 25 Any;
    "xsave"              1 0 Ecx 26 Any;
    "avx"                1 0 Ecx 28 Ymm;
    "f16c"               1 0 Ecx 29 Ymm;
    "rdrand"             1 0 Ecx 30 Any;
    "bmi1"               7 0 Ebx 3 Any;
    "avx2"               7 0 Ebx 5 Ymm;
    "bmi2"               7 0 Ebx 8 Any;
    "avx512f"            7 0 Ebx 16 Zmm;
    "avx512dq"           7 0 Ebx 17 Zmm;
    "rdseed"             7 0 Ebx 18 Any;
    "adx"                7 0 Ebx 19 Any;
    "avx512ifma"         7 0 Ebx 21 Zmm;
    "avx512cd"           7 0 Ebx 28 Zmm;
    "sha"                7 0 Ebx 29 Any;
    "avx512bw"           7 0 Ebx 30 Zmm;
    "avx512vl"           7 0 Ebx 31 Zmm;
    "avx512vbmi"         7 0 Ecx 1 Zmm;
    "avx512vbmi2"        7 0 Ecx 6 Zmm;
    "gfni"               7 0 Ecx 8 Any;
    "vaes"               7 0 Ecx 9 Ymm;
    "vpclmulqdq"         7 0 Ecx 10 Ymm;
    "avx512vnni"         7 0 Ecx 11 Zmm;
    "avx512bitalg"       7 0 Ecx 12 Zmm;
    "avx512vpopcntdq"    7 0 Ecx 14 Zmm;
    "kl"                 7 0 Ecx 23 Any;
    "avx512vp2intersect" 7 0 Edx 8 Zmm;
    "avx512fp16"         7 0 Edx 23 Zmm;
    "sha512"             7 1 Eax 0 Ymm;
    "sm3"                7 1 Eax 1 Ymm;
    "sm4"                7 1 Eax 2 Ymm;
    "avxvnni"            7 1 Eax 4 Ymm;
    "avx512bf16"         7 1 Eax 5 Zmm;
    "avxifma"            7 1 Eax 23 Ymm;
    "avxvnniint8"        7 1 Edx 4 Ymm;
    "avxneconvert"       7 1 Edx 5 Ymm;
    "avxvnniint16"       7 1 Edx 10 Ymm;
    "xsaveopt"           0xd 1 Eax 0 Any;
    "xsavec"             0xd 1 Eax 1 Any;
    "xsaves"             0xd 1 Eax 3 Any;
    "widekl"             0x19 0 Ebx 2 Any;
    "lzcnt"              0x8000_0001 0 Ecx 5 Any;
    "sse4a"              0x8000_0001 0 Ecx 6 Any;
    "tbm"                0x8000_0001 0 Ecx 21 Any;
};

/// What this build needs and the processor lacks.
pub(super) fn missing() -> Vec<&'static str> {
    let needed = FEATURES.iter().filter(|feature| feature.is_compiled_in);
    needed
        .filter(|feature| !has(feature))
        .map(|feature| feature.name)
        .collect()
}

/// Whether the processor has it, and the system saves its registers.
pub(super) fn has(feature: &Feature) -> bool {
    let Place {
        leaf,
        sub_leaf,
        register,
        bit,
    } = feature.place;
    let [eax, ebx, ecx, edx] = ask(leaf, sub_leaf);
    let word = match register {
        Register::Eax => eax,
        Register::Ebx => ebx,
        Register::Ecx => ecx,
        Register::Edx => edx,
    };
    let state = feature.state as u64;
    word & 1 << bit != 0 && saved_state() & state == state
}

/// Asks the processor.
pub(super) fn detect() -> Cpu {
    let has_all = |names: &[&str]| {
        let mut features = FEATURES.iter().filter(|feature| names.contains(&feature.name));
        features.all(has)
    };
    let level = if has_all(&["avx512f", "avx2", "fma"]) {
        Level::Avx512
    } else if has_all(&["avx2", "fma"]) {
        Level::Avx2
    } else if has_all(&["avx"]) {
        Level::Avx
    } else {
        Level::Base
    };
    let words = (0x8000_0002..=0x8000_0004_u32).flat_map(|leaf| ask(leaf, 0));
    let bytes: Vec<u8> = words.flat_map(u32::to_le_bytes).take_while(|&byte| byte != 0).collect();
    let text = String::from_utf8_lossy(&bytes);
    let name = text.split_whitespace().collect::<Vec<_>>().join(" ");
    Cpu {
        name: if name.is_empty() { "x86-64".into() } else { name },
        level,
    }
}

/// The registers of a leaf: eax, ebx, ecx, edx. Zeros where the processor does not know the leaf.
#[allow(
    unsafe_code,
    unused_unsafe,
    reason = "cpuid is an intrinsic, which only newer compilers call safe"
)]
fn ask(leaf: u32, sub_leaf: u32) -> [u32; 4] {
    // SAFETY: every x86-64 processor has the instruction `cpuid`.
    let highest = unsafe { __cpuid(leaf & 0x8000_0000) }.eax;
    if leaf > highest {
        return [0; 4];
    }
    // SAFETY: as above.
    let answer = unsafe { __cpuid_count(leaf, sub_leaf) };
    [answer.eax, answer.ebx, answer.ecx, answer.edx]
}

/// The register XCR0: what the system saves when it changes threads.
#[allow(unsafe_code, reason = "xgetbv is an instruction that not every processor has")]
fn saved_state() -> u64 {
    #[target_feature(enable = "xsave")]
    fn enabled_by_system() -> u64 {
        // SAFETY: only called where the bit OSXSAVE says that the system has turned it on.
        unsafe { _xgetbv(0) }
    }
    const OSXSAVE: u32 = 1 << 27;
    let [_, _, ecx, _] = ask(1, 0);
    // SAFETY: OSXSAVE implies the feature xsave.
    if ecx & OSXSAVE != 0 {
        unsafe { enabled_by_system() }
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn the_kernel_agrees() {
        use std::io::Write;
        let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let flags: Vec<&str> = info.split_whitespace().collect();
        if !flags.contains(&"flags") {
            return writeln!(std::io::stderr(), "skipped: /proc/cpuinfo has no flags").unwrap();
        }
        // A kernel may have no word for an instruction set that is younger than itself: of these, only what it names is compared.
        let young = [
            "avx512fp16",
            "avx512bf16",
            "avx512vp2intersect",
            "avxvnni",
            "avxifma",
            "avxvnniint8",
            "avxvnniint16",
            "avxneconvert",
            "sha512",
            "sm3",
            "sm4",
            "kl",
            "widekl",
            "xsaves",
        ];
        for feature in FEATURES {
            let flag = match feature.name {
                "sse3" => "pni",
                "cmpxchg16b" => "cx16",
                "lzcnt" => "abm",
                "sha" => "sha_ni",
                "avxvnni" => "avx_vnni",
                "avxifma" => "avx_ifma",
                "avxvnniint8" => "avx_vnni_int8",
                "avxvnniint16" => "avx_vnni_int16",
                "avxneconvert" => "avx_ne_convert",
                name @ ("avx512vbmi2" | "avx512vnni" | "avx512bitalg" | "avx512vpopcntdq" | "avx512fp16"
                | "avx512bf16" | "avx512vp2intersect") => &name.replacen("avx512", "avx512_", 1),
                name => &name.replace('.', "_"),
            };
            let is_known = flags.contains(&flag);
            if is_known || !young.contains(&feature.name) {
                assert_eq!(has(feature), is_known, "{}", feature.name);
            }
        }
    }
}
