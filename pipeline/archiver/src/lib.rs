//! The archiver as a function in AWS.
