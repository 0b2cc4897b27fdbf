//! Datapoints under CloudWatch names and X-Ray segments, in a SQLite file of their own.
