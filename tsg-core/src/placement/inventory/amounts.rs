//! Memory, disk and CPU.
//!
//! Owns their units. Must never hold a fraction: everything is counted in whole units.

/// How much of a compute node: what there is of it, or what an instance asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Amounts {
    /// Memory in MiB.
    pub memory_mib: u32,
    /// Disk in MiB.
    pub disk_mib: u32,
    /// CPU in hundredths of a core, as a package's cap has it.
    pub cpu_percent: u32,
}

impl Amounts {
    /// As a row: memory, disk, CPU.
    #[inline]
    pub(crate) const fn row(self) -> [u32; 3] {
        [self.memory_mib, self.disk_mib, self.cpu_percent]
    }

    /// From a row.
    pub(crate) const fn of_row([memory_mib, disk_mib, cpu_percent]: [u32; 3]) -> Self {
        Self { memory_mib, disk_mib, cpu_percent }
    }
}
