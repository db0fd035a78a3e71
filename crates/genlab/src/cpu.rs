//! What the processor can do, and what this build makes of it.
//!
//! The kernels choose their vector width when they are compiled, so a build can ask for less than the CPU
//! has (slow) or for more (it would crash). `is_x86_feature_detected!` cannot tell: it answers yes to
//! whatever was compiled in. So the CPU itself is asked.

#[cfg(target_arch = "x86_64")]
mod x86;

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

/// What is wrong with running a build that needs what the processor lacks.
pub(crate) fn too_new(missing: &[&str]) -> Option<String> {
    let names = missing.join(", ");
    (!missing.is_empty()).then(|| format!("this build needs {names}, which the CPU does not have"))
}

/// What this build needs of the processor, by the names of `-C target-feature`, and does not find.
pub(crate) fn missing() -> Vec<&'static str> {
    #[cfg(target_arch = "x86_64")]
    return x86::missing();
    #[cfg(not(target_arch = "x86_64"))]
    Vec::new()
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
pub(crate) fn detect() -> Cpu {
    #[cfg(target_arch = "x86_64")]
    return x86::detect();
    #[cfg(not(target_arch = "x86_64"))]
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
        assert!(cpu.level >= BUILD);
        assert_eq!(too_new(&missing()), None);
    }

    #[test]
    fn a_build_for_more_than_the_cpu_has_is_refused() {
        assert_eq!(
            too_new(&["avx512f", "sse4a"]).unwrap(),
            "this build needs avx512f, sse4a, which the CPU does not have"
        );
    }
}
