//! Alarm rules as data, and an evaluator that behaves as CloudWatch does.
