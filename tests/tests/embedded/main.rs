//! The system on one machine, from the first event to the last resort.

mod crashes;
mod dead_letters;
mod events;
mod folders;
mod outages;
