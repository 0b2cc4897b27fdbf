//! Time series drawn as SVG and PNG.
