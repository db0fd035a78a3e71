//! What the processor can do, and what this build makes of it.
//!
//! The kernels choose their vector width when they are compiled, so a build can ask for less than the CPU
//! has (slow) or for more (it would crash). `is_x86_feature_detected!` cannot tell: it answers yes to
//! whatever was compiled in. So the CPU itself is asked.

/// How far a processor's or a build's vectors go. Each level has everything of those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// What every CPU of the architecture has: SSE2, NEON.
    Base,
    /// Eight lanes.
    Avx,
    /// Eight lanes, and multiply-add in one instruction.
    Avx2,
    /// Sixteen lanes.
    Avx512,
}

/// The level that this build was compiled for.
pub(crate) const BUILD: Level = if cfg!(target_feature = "avx512f") {
    Level::Avx512
} else if cfg!(all(target_feature = "avx2", target_feature = "fma")) {
    Level::Avx2
} else if cfg!(target_feature = "avx") {
    Level::Avx
} else {
    Level::Base
};

impl Level {
    /// Numbers of 32 bits in a vector.
    pub(crate) fn lanes(self) -> usize {
        match self {
            Level::Base => 4,
            Level::Avx | Level::Avx2 => 8,
            Level::Avx512 => 16,
        }
    }

    /// What the makers call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Level::Base if cfg!(target_arch = "x86_64") => "SSE2",
            Level::Base if cfg!(target_arch = "aarch64") => "NEON",
            Level::Base => "no wider vectors known",
            Level::Avx => "AVX",
            Level::Avx2 => "AVX2",
            Level::Avx512 => "AVX-512",
        }
    }
}

/// The processor.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cpu {
    /// The maker's name for it.
    pub(crate) name: String,
    /// Its widest vectors.
    pub(crate) level: Level,
}

/// What is wrong with running a build for `build` on a CPU of `cpu`, if it cannot work at all.
pub(crate) fn too_new(build: Level, cpu: Level) -> Option<String> {
    (cpu < build).then(|| format!("this build needs {}, which the CPU does not have", build.name()))
}

/// Why this build is slower on a processor than it could be.
pub(crate) fn build_warnings(cpu: &Cpu) -> Vec<String> {
    let mut warnings = Vec::new();
    if cpu.level > BUILD {
        warnings.push(format!(
            "the CPU has {}, but this build uses {}: it is slower than it could be. Build in the project's \
             own folder and without RUSTFLAGS, or with RUSTFLAGS=\"-C target-cpu=native\"",
            cpu.level.name(),
            BUILD.name()
        ));
    }
    if cfg!(debug_assertions) {
        warnings.push("this is a debug build: cargo build --release makes a faster one".into());
    }
    warnings
}

/// Asks the processor.
#[cfg(target_arch = "x86_64")]
#[allow(
    unsafe_code,
    unused_unsafe,
    reason = "cpuid is an intrinsic, which only newer compilers call safe"
)]
pub(crate) fn detect() -> Cpu {
    use std::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};

    // SAFETY: every x86-64 processor has the instruction `cpuid`. (Newer compilers call it safe.)
    let leaf = |number| unsafe { __cpuid(number) };
    let (highest, extended) = (leaf(0).eax, leaf(0x8000_0000).eax);

    #[target_feature(enable = "xsave")]
    fn enabled_by_system() -> u64 {
        // SAFETY: only called where the bit OSXSAVE says that the system has turned it on.
        unsafe { _xgetbv(0) }
    }
    let features = leaf(1).ecx;
    let os_xsave = features & (1 << 27) != 0;
    // SAFETY: OSXSAVE implies the feature xsave.
    let state = if os_xsave { unsafe { enabled_by_system() } } else { 0 };
    // SAFETY: as above; leaf 7 is asked only where it exists.
    let leaf7 = if highest >= 7 {
        unsafe { __cpuid_count(7, 0) }.ebx
    } else {
        0
    };

    // The system must save the wide registers, too: bits 1 and 2 for AVX, 5 to 7 for AVX-512.
    let avx = features & (1 << 28) != 0 && state & 0b110 == 0b110;
    let avx2 = avx && features & (1 << 12) != 0 && leaf7 & (1 << 5) != 0;
    let avx512 = avx2 && leaf7 & (1 << 16) != 0 && state & 0b1110_0000 == 0b1110_0000;
    let level = match (avx, avx2, avx512) {
        (_, _, true) => Level::Avx512,
        (_, true, _) => Level::Avx2,
        (true, ..) => Level::Avx,
        _ => Level::Base,
    };

    let mut name = String::new();
    if extended >= 0x8000_0004 {
        let words = (0x8000_0002..=0x8000_0004_u32).flat_map(|number| {
            let part = leaf(number);
            [part.eax, part.ebx, part.ecx, part.edx]
        });
        let bytes: Vec<u8> = words.flat_map(u32::to_le_bytes).take_while(|&byte| byte != 0).collect();
        let text = String::from_utf8_lossy(&bytes);
        name = text.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    if name.is_empty() {
        name = "x86-64".into();
    }
    Cpu { name, level }
}

/// Asks the processor.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn detect() -> Cpu {
    Cpu {
        name: std::env::consts::ARCH.into(),
        level: Level::Base,
    }
}

/// Hardware threads that this process may use.
pub(crate) fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_cpu_runs_this_build() {
        let cpu = detect();
        assert!(!cpu.name.is_empty() && !cpu.name.contains('\0'));
        assert_eq!(too_new(BUILD, cpu.level), None);
    }

    #[test]
    fn a_build_for_more_than_the_cpu_has_is_refused() {
        assert_eq!(too_new(Level::Avx2, Level::Avx512), None);
        assert_eq!(
            too_new(Level::Avx512, Level::Avx2).unwrap(),
            "this build needs AVX-512, which the CPU does not have"
        );
        assert!(too_new(Level::Avx2, Level::Avx).is_some());
    }

    #[test]
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    fn the_kernel_agrees() {
        let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        if info.contains("flags") {
            let has = |flag: &str| info.split_whitespace().any(|word| word == flag);
            let expected = match (has("avx512f"), has("avx2") && has("fma"), has("avx")) {
                (true, ..) => Level::Avx512,
                (_, true, _) => Level::Avx2,
                (.., true) => Level::Avx,
                _ => Level::Base,
            };
            assert_eq!(detect().level, expected);
        }
    }
}
