//! The system on one machine: events, dead letters, outages, full disks and crashes.

mod crashes;
mod dead_letters;
mod demo;
mod events;
mod folders;
mod full_disk;
mod outages;
mod schemas;
