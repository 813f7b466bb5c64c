//! How wide a rule reaches: the fault domains.

/// A fault domain, the narrowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// One compute node: `cn`, also written `compute_node` or `node`.
    Node,
    /// One rack: `rack`.
    Rack,
    /// One data centre: `dc`, also written `data_center`.
    DataCentre,
}
