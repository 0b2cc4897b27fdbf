//! Tables, and how times are kept in them.

use spillway_core::Timestamp;

/// Version of the tables. A folder of another version is refused, never migrated by guess.
pub const VERSION: i64 = 1;

/// The tables.
///
/// `messages` is both queues: `queue` 0 is the primary one, 1 the DLQ. `origin` is the id of the message with
/// which the event was accepted. `handover` names the promises that are in two places for a moment: the next
/// place has them and the message is not deleted yet. The ledger counts those once. The index on visibility
/// also has the columns that the ledger and a snapshot of a queue read, so that neither reads the bodies of a
/// long queue.
pub const TABLES: &str = "
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO counters VALUES ('accepted', 0), ('duplicates', 0), ('expired', 0);

CREATE TABLE messages (
    seq INTEGER PRIMARY KEY,
    queue INTEGER NOT NULL,
    message_id TEXT NOT NULL,
    origin TEXT NOT NULL,
    replay_id TEXT,
    sent_at INTEGER NOT NULL,
    first_sent_at INTEGER NOT NULL,
    visible_at INTEGER NOT NULL,
    receive_count INTEGER NOT NULL DEFAULT 0,
    receipt INTEGER NOT NULL DEFAULT 0,
    trace_header TEXT,
    attributes TEXT,
    failures TEXT,
    body TEXT NOT NULL
);
CREATE INDEX messages_origin ON messages (origin);

CREATE TABLE store (
    seq INTEGER PRIMARY KEY,
    event_id TEXT NOT NULL,
    source TEXT NOT NULL,
    type TEXT NOT NULL,
    message_id TEXT NOT NULL,
    accepted_at INTEGER NOT NULL,
    stored_at INTEGER NOT NULL,
    body TEXT NOT NULL
);
CREATE UNIQUE INDEX store_key ON store (event_id, source);

CREATE TABLE dead_letters (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    event_id TEXT,
    source TEXT,
    type TEXT,
    state TEXT NOT NULL,
    state_document TEXT NOT NULL,
    replay_id TEXT,
    fingerprint TEXT NOT NULL,
    class TEXT NOT NULL,
    message TEXT NOT NULL,
    archived_at INTEGER NOT NULL,
    first_sent_at INTEGER NOT NULL,
    receive_count INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    trace_header TEXT,
    attributes TEXT NOT NULL,
    failures TEXT NOT NULL,
    replays TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX dead_letters_state ON dead_letters (state, archived_at);
CREATE INDEX dead_letters_time ON dead_letters (archived_at, seq);
CREATE INDEX dead_letters_fingerprint ON dead_letters (fingerprint, archived_at);
CREATE INDEX dead_letters_event ON dead_letters (event_id);

CREATE TABLE handover (
    message_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    PRIMARY KEY (message_id, kind)
) WITHOUT ROWID;

CREATE TABLE replays (
    id TEXT PRIMARY KEY,
    started_by TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    trouble TEXT
) WITHOUT ROWID;
CREATE TABLE replay_items (
    replay_id TEXT NOT NULL,
    dead_letter_id TEXT NOT NULL,
    state TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (replay_id, dead_letter_id)
) WITHOUT ROWID;

CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    by TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX audit_subject ON audit (subject);

CREATE TABLE faults (id INTEGER PRIMARY KEY, document TEXT NOT NULL);
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
";

/// What older folders of this version lack, and what they have in vain.
///
/// * `messages_received` has the messages that a snapshot of a queue reads one by one: those that were received.
/// * `messages_replayed` has those that are no promises of their own, which the ledger subtracts.
/// * `messages_event` finds a message by its event's id. The queue does not read bodies, so the index does.
/// * `dead_letters_ends` finds the oldest and the newest dead letter that a row of `dead_letter_tally` counts, and has the
///   columns that a search reads.
/// * `replay_items_sent` finds the items of a replay by their state, and of those that were sent the oldest.
/// * `dead_letter_tally` has the number of dead letters of each state, class, type (empty: none) and fingerprint, and when
///   the newest was archived. `replay_counts` has the number of items of each replay in each state. Triggers keep both, so
///   that no read counts rows. (`dead_letter_counts` was a tally without the newest.)
pub const ADDITIONS: &str = "
CREATE INDEX IF NOT EXISTS messages_waiting ON messages (queue, visible_at, receive_count, sent_at, replay_id);
CREATE INDEX IF NOT EXISTS messages_received ON messages (queue, visible_at, receive_count, sent_at)
    WHERE receive_count > 0;
CREATE INDEX IF NOT EXISTS messages_replayed ON messages (queue, visible_at, replay_id) WHERE replay_id IS NOT NULL;
DROP INDEX IF EXISTS messages_visible;
CREATE INDEX IF NOT EXISTS messages_event ON messages (body ->> '$.id') WHERE json_valid(body);
CREATE INDEX IF NOT EXISTS replays_started ON replays (started_at);

CREATE TABLE IF NOT EXISTS replay_counts (
    replay_id TEXT NOT NULL,
    state TEXT NOT NULL,
    items INTEGER NOT NULL,
    PRIMARY KEY (replay_id, state)
) WITHOUT ROWID;
INSERT OR IGNORE INTO replay_counts SELECT replay_id, state, count(*) FROM replay_items GROUP BY 1, 2;
CREATE TRIGGER IF NOT EXISTS replay_item_added AFTER INSERT ON replay_items BEGIN
    INSERT INTO replay_counts VALUES (NEW.replay_id, NEW.state, 1) ON CONFLICT DO UPDATE SET items = items + 1;
END;
CREATE TRIGGER IF NOT EXISTS replay_item_changed AFTER UPDATE OF state ON replay_items BEGIN
    UPDATE replay_counts SET items = items - 1 WHERE replay_id = OLD.replay_id AND state = OLD.state;
    INSERT INTO replay_counts VALUES (NEW.replay_id, NEW.state, 1) ON CONFLICT DO UPDATE SET items = items + 1;
END;

CREATE INDEX IF NOT EXISTS dead_letters_ends
    ON dead_letters (state, fingerprint, class, type, archived_at, message, id, event_id);
DROP INDEX IF EXISTS dead_letters_groups;
DROP INDEX IF EXISTS dead_letters_search;
CREATE INDEX IF NOT EXISTS replay_items_sent ON replay_items (replay_id, state, at);
DROP INDEX IF EXISTS replay_items_state;

DROP TRIGGER IF EXISTS dead_letter_added;
DROP TRIGGER IF EXISTS dead_letter_changed;
DROP TRIGGER IF EXISTS dead_letter_removed;
DROP TABLE IF EXISTS dead_letter_counts;
CREATE TABLE IF NOT EXISTS dead_letter_tally (
    state TEXT NOT NULL,
    class TEXT NOT NULL,
    type TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    letters INTEGER NOT NULL,
    newest INTEGER NOT NULL,
    PRIMARY KEY (state, class, type, fingerprint)
) WITHOUT ROWID;
INSERT OR IGNORE INTO dead_letter_tally
    SELECT state, class, coalesce(type, ''), fingerprint, count(*), max(archived_at)
    FROM dead_letters GROUP BY 1, 2, 3, 4;
CREATE TRIGGER IF NOT EXISTS dead_letter_added_to_tally AFTER INSERT ON dead_letters BEGIN
    INSERT INTO dead_letter_tally
        VALUES (NEW.state, NEW.class, coalesce(NEW.type, ''), NEW.fingerprint, 1, NEW.archived_at)
        ON CONFLICT DO UPDATE SET letters = letters + 1, newest = max(newest, excluded.newest);
END;
CREATE TRIGGER IF NOT EXISTS dead_letter_moved_in_tally
AFTER UPDATE OF state, class, type, fingerprint, archived_at ON dead_letters BEGIN
    UPDATE dead_letter_tally
        SET letters = letters - 1, newest = CASE WHEN OLD.archived_at < newest THEN newest ELSE coalesce(
            (SELECT archived_at FROM dead_letters d WHERE d.state = OLD.state AND d.fingerprint = OLD.fingerprint
                AND d.class = OLD.class AND d.type IS OLD.type ORDER BY d.archived_at DESC LIMIT 1), 0) END
        WHERE state = OLD.state AND class = OLD.class AND type = coalesce(OLD.type, '')
            AND fingerprint = OLD.fingerprint;
    INSERT INTO dead_letter_tally
        VALUES (NEW.state, NEW.class, coalesce(NEW.type, ''), NEW.fingerprint, 1, NEW.archived_at)
        ON CONFLICT DO UPDATE SET letters = letters + 1, newest = max(newest, excluded.newest);
END;
CREATE TRIGGER IF NOT EXISTS dead_letter_removed_from_tally AFTER DELETE ON dead_letters BEGIN
    UPDATE dead_letter_tally
        SET letters = letters - 1, newest = CASE WHEN OLD.archived_at < newest THEN newest ELSE coalesce(
            (SELECT archived_at FROM dead_letters d WHERE d.state = OLD.state AND d.fingerprint = OLD.fingerprint
                AND d.class = OLD.class AND d.type IS OLD.type ORDER BY d.archived_at DESC LIMIT 1), 0) END
        WHERE state = OLD.state AND class = OLD.class AND type = coalesce(OLD.type, '')
            AND fingerprint = OLD.fingerprint;
END;
";
/// What [`ADDITIONS`] and [`ALARM_TABLES`] make last: a folder that has both is complete.
pub const NEWEST: [&str; 2] = ["dead_letter_removed_from_tally", "incidents_began"];

/// The alarms' tables, created where they are missing: older folders of this version have none.
///
/// `told` of a change is one of these: `told` (by that message), `held` until business hours, `digest`
/// (notified at `told_at`), `part`, `no_news`, `known`, `muted` or `simulated`. `delivery` of a message is `none` (there is no
/// webhook), `waiting`, `delivered` or `given_up`.
pub const ALARM_TABLES: &str = "
CREATE TABLE IF NOT EXISTS alarm_states (
    rule TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    since INTEGER,
    reason TEXT NOT NULL,
    trouble TEXT
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS alarm_changes (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    rule TEXT NOT NULL,
    before TEXT NOT NULL,
    after TEXT NOT NULL,
    reason TEXT NOT NULL,
    told TEXT NOT NULL,
    told_at INTEGER,
    message INTEGER
);
CREATE INDEX IF NOT EXISTS alarm_changes_time ON alarm_changes (at);
CREATE INDEX IF NOT EXISTS alarm_changes_rule ON alarm_changes (rule, at);
CREATE TABLE IF NOT EXISTS alarm_messages (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    document TEXT NOT NULL,
    delivery TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    tried_at INTEGER,
    next_try_at INTEGER NOT NULL,
    trouble TEXT
);
CREATE INDEX IF NOT EXISTS alarm_messages_delivery ON alarm_messages (delivery, seq);
CREATE INDEX IF NOT EXISTS alarm_messages_time ON alarm_messages (kind, at);
CREATE TABLE IF NOT EXISTS ops_documents (name TEXT PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS incidents (
    id TEXT PRIMARY KEY,
    began INTEGER NOT NULL,
    ended INTEGER,
    document TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS incidents_began ON incidents (began);
";

/// A time as it is kept: Unix milliseconds.
pub fn millis(time: Timestamp) -> i64 {
    time.as_millisecond()
}

/// A time as it was kept.
pub fn from_millis(value: i64) -> Timestamp {
    Timestamp::from_millisecond(value).unwrap_or(Timestamp::UNIX_EPOCH)
}
