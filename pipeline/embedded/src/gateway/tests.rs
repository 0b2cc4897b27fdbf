mod calls;
mod sockets;
mod support;
mod tracing;
