//! The system on one machine, from the first event to the last resort.

mod crashes;
mod dead_letters;
mod demo;
mod events;
mod folders;
mod outages;
