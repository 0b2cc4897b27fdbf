//! The alarm rules, their files and their scenarios, through the crate's public interface.

mod any_input;
mod bad_rules;
mod bad_scenarios;
mod refused_rules;
mod rule_files;
mod scenarios;
mod schedules;
mod traffic_shapes;
