//! Events, dead letters, ports and use cases.
