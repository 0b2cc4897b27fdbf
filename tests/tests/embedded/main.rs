//! The system on one machine: events, dead letters, outages and crashes.

mod crashes;
mod dead_letters;
mod demo;
mod events;
mod folders;
mod outages;
