//! The consumer as a function in AWS.
