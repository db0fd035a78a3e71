//! What the processor can do, and what this build makes of it.
//!
//! The kernels choose their vector width when they are compiled, so a build can ask for less than the CPU
//! has (slow) or for more (it would crash). `is_x86_feature_detected!` cannot tell: it answers yes to
//! whatever was compiled in. So the CPU itself is asked.

/// f32 lanes of one vector in this build.
pub(crate) const BUILD_LANES: usize = if cfg!(target_feature = "avx512f") {
    16
} else if cfg!(target_feature = "avx") {
    8
} else {
    4
};

/// The processor.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cpu {
    /// The maker's name for it.
    pub(crate) name: String,
    /// f32 lanes of its widest vectors.
    pub(crate) lanes: usize,
}

/// The name of a vector width.
pub(crate) fn lanes_name(lanes: usize) -> &'static str {
    match (lanes, cfg!(target_arch = "x86_64")) {
        (16, _) => "AVX-512",
        (8, _) => "AVX2",
        (_, true) => "SSE2",
        (_, false) => "NEON or scalar",
    }
}

/// What is wrong with running this build on a CPU of `lanes`, if it cannot work at all.
pub(crate) fn too_new(lanes: usize) -> Option<String> {
    (lanes < BUILD_LANES).then(|| {
        format!(
            "this build needs {}, which the CPU does not have",
            lanes_name(BUILD_LANES)
        )
    })
}

/// Asks the processor.
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, unused_unsafe)]
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
    let state = if os_xsave {
        unsafe { enabled_by_system() }
    } else {
        0
    };
    // SAFETY: as above; leaf 7 is asked only where it exists.
    let leaf7 = if highest >= 7 {
        unsafe { __cpuid_count(7, 0) }.ebx
    } else {
        0
    };

    // The system must save the wide registers, too: bits 1 and 2 for AVX, 5 to 7 for AVX-512.
    let avx2 = leaf7 & (1 << 5) != 0 && features & (1 << 12) != 0 && state & 0b110 == 0b110;
    let avx512 = avx2 && leaf7 & (1 << 16) != 0 && state & 0b1110_0110 == 0b1110_0110;

    let mut name = String::new();
    if extended >= 0x8000_0004 {
        let words = (0x8000_0002..=0x8000_0004_u32).flat_map(|number| {
            let part = leaf(number);
            [part.eax, part.ebx, part.ecx, part.edx]
        });
        let bytes: Vec<u8> = words
            .flat_map(u32::to_le_bytes)
            .take_while(|&byte| byte != 0)
            .collect();
        let text = String::from_utf8_lossy(&bytes);
        name = text.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    if name.is_empty() {
        name = "x86-64".into();
    }
    Cpu {
        name,
        lanes: if avx512 {
            16
        } else if avx2 {
            8
        } else {
            4
        },
    }
}

/// Asks the processor.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn detect() -> Cpu {
    Cpu {
        name: std::env::consts::ARCH.into(),
        lanes: 4,
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
        assert!(matches!(cpu.lanes, 4 | 8 | 16));
        assert_eq!(too_new(cpu.lanes), None);
    }

    #[test]
    fn a_build_for_more_than_the_cpu_has_is_refused() {
        assert_eq!(too_new(16), None);
        assert!(too_new(0).unwrap().starts_with("this build needs "));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_kernel_agrees() {
        let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        if cfg!(target_arch = "x86_64") && info.contains("flags") {
            let has = |flag: &str| info.split_whitespace().any(|word| word == flag);
            let expected = if has("avx512f") {
                16
            } else if has("avx2") && has("fma") {
                8
            } else {
                4
            };
            assert_eq!(detect().lanes, expected);
        }
    }
}
