//! The adapters on an emulator of AWS that nobody here wrote (MiniStack). `cargo xtask test emulator` starts it.

mod flow;
mod place;
