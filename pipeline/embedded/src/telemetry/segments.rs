//! Segments on their way to the file.

use spillway_core::trace::Segment;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// Most segments that wait to be written, some 20 MB. It is for several seconds of the heaviest load.
pub(super) const MAX_WAITING: usize = 16_384;

/// A queue that takes in segments without ever waiting for a disk.
#[derive(Debug, Default)]
pub(super) struct SegmentQueue(Mutex<VecDeque<Segment>>);

impl SegmentQueue {
    /// Takes a segment in; `false` if the queue is full and the segment is dropped.
    pub(super) fn push(&self, segment: Segment) -> bool {
        let mut queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let has_room = queue.len() < MAX_WAITING;
        if has_room {
            queue.push_back(segment);
        }
        has_room
    }

    /// Takes out all.
    pub(super) fn take(&self) -> VecDeque<Segment> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Bit of a segment that holds a fault, itself or inside.
pub(super) const FAULT: u8 = 1;
/// Bit of a segment that holds an error.
pub(super) const ERROR: u8 = 2;
/// Bit of a segment that holds a throttle.
pub(super) const THROTTLE: u8 = 4;

/// What went wrong in a segment or in its subsegments, as bits.
pub(super) fn flags(segment: &Segment) -> u8 {
    let bit = |is_set: bool, bit: u8| if is_set { bit } else { 0 };
    let own = bit(segment.fault, FAULT) | bit(segment.error, ERROR) | bit(segment.throttle, THROTTLE);
    segment.subsegments.iter().map(flags).fold(own, |all, one| all | one)
}

/// The events that a segment and its subsegments name in their annotation `event_id`.
pub(super) fn event_ids(segment: &Segment) -> Vec<&str> {
    let mut ids = Vec::new();
    collect(segment, &mut ids);
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn collect<'a>(segment: &'a Segment, ids: &mut Vec<&'a str>) {
    ids.extend(segment.annotations.get("event_id").and_then(|id| id.as_str()));
    for inner in &segment.subsegments {
        collect(inner, ids);
    }
}
