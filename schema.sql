-- The Dailies store: one SQLite file, the source of truth for what was sent, what it cost and where clips are stored.
--
-- You can read it at any time, even during a run:
--     sqlite3 dailies.sqlite "select state, count(*), sum(credits) from task group by state"
--     sqlite3 dailies.sqlite "select key, failure_code, failure_message from task where state = 'failed'"
--     sqlite3 dailies.sqlite "select at_ms, kind, from_state, to_state, amount_text from event where task = 7"
-- Write to it only through the program, which keeps sums and log consistent with the states.
--
-- Conventions. Times end in _ms: milliseconds since 1970-01-01 UTC. Money is exact: columns ending in _nano are whole
-- billionths of a credit; columns without are REAL, for reading only. To sum many rows, use two integer sums,
-- sum(x / 1000000000) and sum(x % 1000000000), since a single one could overflow. NULL means unknown or not yet, never
-- zero. A column is_… is 0 or 1. Rows are never deleted, except those of task_tag.

PRAGMA application_id = 1145130073; -- "DALY"
PRAGMA user_version = 2;

-- Whether this file is incomplete without its log, FILE-wal. During a run the file says 1 and the log says 0, so that a
-- copy of the file without the log is recognized. A clean end writes the 0 of the log into the file.
CREATE TABLE store_file (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    needs_log INTEGER NOT NULL CHECK (needs_log IN (0, 1))
) STRICT;
INSERT INTO store_file (id, needs_log) VALUES (1, 0);

-- A provider at a base URL. The URL is normalized: scheme and host in lowercase, without the scheme's default port and a
-- trailing slash, localhost as 127.0.0.1. Task IDs, key support and prices are recorded per service.
CREATE TABLE service (
    id INTEGER PRIMARY KEY,
    provider TEXT NOT NULL CHECK (provider <> ''),
    base_url TEXT NOT NULL,
    UNIQUE (provider, base_url)
) STRICT;

-- The tasks of one manifest, under a name. It belongs to one provider and base URL from its first accepted submit on.
CREATE TABLE batch (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE CHECK (name <> ''),
    manifest_path TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    provider TEXT NOT NULL,
    base_url TEXT NOT NULL,
    output_dir TEXT NOT NULL,            -- absolute path of the clips' folder
    budget_nano INTEGER CHECK (budget_nano >= 0), -- cap over all runs and attempts; NULL: none
    budget_mode TEXT NOT NULL DEFAULT 'cautious' CHECK (budget_mode IN ('cautious', 'soft', 'hard')) -- tags' too
) STRICT;

-- Budgets per tag of a batch, over all runs and attempts, in addition to the batch's budget.
CREATE TABLE tag_budget (
    id INTEGER PRIMARY KEY,
    batch_id INTEGER NOT NULL REFERENCES batch (id),
    name TEXT NOT NULL CHECK (name <> ''),
    value TEXT NOT NULL,
    cap_nano INTEGER CHECK (cap_nano >= 0), -- NULL: removed
    -- The use by tasks with this tag, as in batch_total. Counted only while there is a cap.
    settled_whole INTEGER NOT NULL DEFAULT 0,
    settled_billionths INTEGER NOT NULL DEFAULT 0,
    reserved_whole INTEGER NOT NULL DEFAULT 0,
    reserved_billionths INTEGER NOT NULL DEFAULT 0,
    UNIQUE (batch_id, name, value)
) STRICT;

-- Spending and reservations per batch. Every change of an attempt's reservation or cost is booked here in the same
-- transaction, and a new attempt is recorded only if its reservation fits the budgets. Each amount is
-- whole * 1000000000 + billionths; the billionths may exceed one credit.
CREATE TABLE batch_total (
    batch_id INTEGER PRIMARY KEY REFERENCES batch (id),
    settled_whole INTEGER NOT NULL DEFAULT 0,
    settled_billionths INTEGER NOT NULL DEFAULT 0,
    reserved_whole INTEGER NOT NULL DEFAULT 0,
    reserved_billionths INTEGER NOT NULL DEFAULT 0,
    first_submitted_at_ms INTEGER,
    last_settled_at_ms INTEGER
) STRICT;

-- The input of a task: a wide table, written when a manifest is imported. IDs follow the order of the manifest.
CREATE TABLE task_input (
    id INTEGER PRIMARY KEY,
    batch_id INTEGER NOT NULL REFERENCES batch (id),
    key TEXT NOT NULL CHECK (key <> ''), -- the manifest's id, or one derived from the content
    request TEXT NOT NULL,               -- canonical request: one JSON object, dialect-independent
    duration_seconds INTEGER,
    resolution TEXT,
    tags TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(tags)), -- {"name":"value"}
    output TEXT,                         -- file name requested in the manifest
    UNIQUE (batch_id, key)
) STRICT;

-- The tags of each task, as in task_input.tags. If a manifest changes a task's tags, its rows are replaced.
CREATE TABLE task_tag (
    task INTEGER NOT NULL REFERENCES task_input (id),
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (task, name)
) STRICT, WITHOUT ROWID;

-- Other names of tasks that version 1 imported. It identified tasks by text including CR LF line ends (tasks without an
-- id), and by ids including invisible characters at their ends.
CREATE TABLE task_alias (
    batch_id INTEGER NOT NULL REFERENCES batch (id),
    alias TEXT NOT NULL,                 -- the request with LF line ends, or the id without those characters
    task INTEGER NOT NULL REFERENCES task_input (id),
    PRIMARY KEY (batch_id, alias, task)
) STRICT, WITHOUT ROWID;

-- Images that manifests give as files, each stored once. A request refers to one as "image_init": "sha256:…"; the body of
-- an attempt contains its data URL instead.
CREATE TABLE image (
    sha256 TEXT PRIMARY KEY CHECK (length(sha256) = 64),
    media_type TEXT NOT NULL CHECK (media_type IN ('image/png', 'image/jpeg', 'image/webp')),
    path TEXT NOT NULL,                  -- absolute path where it was last found
    bytes BLOB NOT NULL
) STRICT;

-- Processes that submit tasks of this store. Each registers when it starts and renews its lease. Once its lease has
-- passed, others may end it and take over its tasks; it stays ended.
CREATE TABLE runner (
    id INTEGER PRIMARY KEY,              -- random, never used again
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    started_at_ms INTEGER NOT NULL,
    lease_until_ms INTEGER NOT NULL,
    ended_at_ms INTEGER
) STRICT;

-- The state of a task: a narrow table, updated often. `attempt` is the number of its latest attempt or, while
-- is_submitted = 0, of its next one.
CREATE TABLE task_state (
    id INTEGER PRIMARY KEY REFERENCES task_input (id),
    batch_id INTEGER NOT NULL REFERENCES batch (id),
    model TEXT NOT NULL,
    priority INTEGER NOT NULL DEFAULT 0, -- higher first
    state TEXT NOT NULL DEFAULT 'queued'
        CHECK (state IN ('queued', 'running', 'completed', 'failed', 'cancelled')),
    attempt INTEGER NOT NULL DEFAULT 1 CHECK (attempt BETWEEN 1 AND 2147483647),
    is_submitted INTEGER NOT NULL DEFAULT 0 CHECK (is_submitted IN (0, 1)), -- has the row (id, attempt) of `attempt`
    credits_nano INTEGER CHECK (credits_nano >= 0), -- of all attempts; NULL: none known, or one unknown
    new_seed INTEGER,                    -- replaces the request's seed, by command or rule
    withdrawn_code TEXT CHECK (withdrawn_code IN ('removed', 'cancelled')), -- why it ended before it was sent
    withdrawn_at_ms INTEGER,
    claimed_by INTEGER REFERENCES runner (id), -- the runner that will submit it; NULL: any runner may claim it
    CONSTRAINT only_waiting_is_claimed CHECK (claimed_by IS NULL OR (state = 'queued' AND NOT is_submitted)),
    CONSTRAINT unsent_waits_or_was_withdrawn CHECK (is_submitted OR state IN ('queued', 'cancelled')),
    CONSTRAINT withdrawn_is_cancelled_unsent
        CHECK ((withdrawn_code IS NOT NULL) = (state = 'cancelled' AND NOT is_submitted)),
    CONSTRAINT withdrawn_has_a_time CHECK ((withdrawn_code IS NULL) = (withdrawn_at_ms IS NULL))
) STRICT;

-- Tasks waiting for a slot, in scheduling order.
CREATE INDEX task_waiting ON task_state (batch_id, model, priority DESC, id) WHERE state = 'queued' AND NOT is_submitted;

-- Claimed tasks, to release them when their runner has ended.
CREATE INDEX task_claimed ON task_state (claimed_by) WHERE claimed_by IS NOT NULL;

-- One row per submission key ever sent, never overwritten by another. The exact bytes are stored before they are sent,
-- and resubmissions send the same bytes. Only an attempt that provably never reached the provider (not_accepted_at_ms)
-- is reopened, under the same number.
--
--   state queued, task_id NULL, outcome_unknown_at_ms NULL   being submitted (or was, when the program ended)
--   state queued, task_id NULL, outcome_unknown_at_ms set    uncertain: sent, outcome unknown
--   state queued, task_id set                                accepted, queued at the provider
--   state running                                            rendering
--   state completed, output_path NULL                        paid, not saved; failure_code: no_asset, unverified
--   state completed, output_path set                         saved
--   state failed, cancelled                                  final; a cost, if any, is kept
CREATE TABLE attempt (
    id INTEGER PRIMARY KEY,              -- in the order of first submits, whatever the clock says
    task INTEGER NOT NULL REFERENCES task_state (id),
    number INTEGER NOT NULL CHECK (number BETWEEN 1 AND 2147483647),
    n INTEGER NOT NULL GENERATED ALWAYS AS (number) VIRTUAL, -- for scripts
    batch_id INTEGER NOT NULL REFERENCES batch (id),
    service_id INTEGER NOT NULL REFERENCES service (id), -- the service it was sent to
    model TEXT NOT NULL,
    resolution TEXT NOT NULL DEFAULT '', -- requested; '': none or unknown
    seconds INTEGER CHECK (seconds >= 1), -- of output requested, 1 if none; NULL: unknown, bill not used for prices
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'completed', 'failed', 'cancelled')),
    submission_key TEXT NOT NULL UNIQUE CHECK (submission_key <> ''), -- sent as out_task_id
    dialect TEXT NOT NULL CHECK (dialect IN ('flat', 'params')),
    key_fingerprint TEXT NOT NULL,       -- one-way fingerprint of the API key that may query it
    -- The key that sent it, if key_fingerprint replaced it (--same-account). The provider knows its submission key only
    -- under the old key: finding nothing under the new one does not prove that it never arrived.
    handed_over_from TEXT CHECK (handed_over_from <> key_fingerprint),
    task_id TEXT CHECK (task_id <> ''),  -- the provider's task ID
    -- Whether an earlier attempt has the same task_id; possible only in rows that version 1 wrote.
    shares_task_id INTEGER NOT NULL DEFAULT 0 CHECK (shares_task_id IN (0, 1)),
    submitted_at_ms INTEGER NOT NULL,    -- when the intent was recorded, just before the first send
    sent_at_ms INTEGER NOT NULL,         -- just before the latest send; poll times count from here
    similarity_hash INTEGER,             -- of its request, equal for equal ones; NULL: superseded in version 1
    not_accepted_at_ms INTEGER,          -- provably never reached the provider: the key may be reused
    outcome_unknown_at_ms INTEGER,
    accepted_at_ms INTEGER,
    accepted_by TEXT CHECK (accepted_by IN ('reply', 'query', 'replayed', 'adopted')),
    lost_at_ms INTEGER,                  -- the provider no longer knows it; it is never resubmitted
    -- A guard wants it cancelled while that is free. The task then waits again under the next number.
    cancel_reason TEXT CHECK (cancel_reason IN ('budget', 'budget_spent', 'quote')),
    is_replayed INTEGER NOT NULL DEFAULT 0 CHECK (is_replayed IN (0, 1)), -- got an existing render
    estimated_credits_nano INTEGER CHECK (estimated_credits_nano >= 0),
    reserved_nano INTEGER CHECK (reserved_nano >= 0), -- reserved in the budget until the cost is known
    credits_nano INTEGER CHECK (credits_nano >= 0), -- the cost; NULL once settled: unknown
    is_cost_awaited INTEGER NOT NULL DEFAULT 0 CHECK (is_cost_awaited IN (0, 1)), -- unknown, still queried
    is_rounded INTEGER NOT NULL DEFAULT 0 CHECK (is_rounded IN (0, 1)), -- stated with more than nine decimals
    completed_at_ms INTEGER,             -- the provider's time
    settled_at_ms INTEGER,               -- when the final state became durable
    delivered_seconds REAL,
    output_url TEXT,                     -- gives access to the clip while valid; removed once saved
    output_path TEXT,
    output_sha256 TEXT CHECK (length(output_sha256) = 64),
    output_bytes INTEGER CHECK (output_bytes >= 0),
    saved_at_ms INTEGER,
    superseded_at_ms INTEGER,            -- a later attempt of the task was requested
    failure_code TEXT,
    failure_message TEXT,
    body BLOB NOT NULL,                  -- the exact bytes sent (last column, so that scans need not read it)
    is_open INTEGER NOT NULL
        GENERATED ALWAYS AS (not_accepted_at_ms IS NULL AND state IN ('queued', 'running')) VIRTUAL,
    is_unsaved INTEGER NOT NULL GENERATED ALWAYS AS (state = 'completed' AND output_path IS NULL
        AND NOT (superseded_at_ms IS NOT NULL AND failure_code IS NOT DISTINCT FROM 'no_asset')) VIRTUAL,
    UNIQUE (task, number),
    CONSTRAINT not_accepted_holds_nothing CHECK (not_accepted_at_ms IS NULL
        OR (state = 'queued' AND task_id IS NULL AND outcome_unknown_at_ms IS NULL AND reserved_nano IS NULL)),
    CONSTRAINT unknown_only_before_acceptance
        CHECK (outcome_unknown_at_ms IS NULL OR (state = 'queued' AND task_id IS NULL)),
    CONSTRAINT acceptance_is_whole
        CHECK ((task_id IS NULL) = (accepted_at_ms IS NULL) AND (task_id IS NULL) = (accepted_by IS NULL)),
    CONSTRAINT only_queued_or_failed_without_task_id CHECK (task_id IS NOT NULL OR state IN ('queued', 'failed')),
    CONSTRAINT lost_was_known CHECK (lost_at_ms IS NULL OR task_id IS NOT NULL),
    CONSTRAINT only_accepted_is_cancelled_by_a_guard CHECK (cancel_reason IS NULL OR task_id IS NOT NULL),
    CONSTRAINT settled_has_a_time CHECK ((settled_at_ms IS NOT NULL) = (state IN ('completed', 'failed', 'cancelled'))),
    CONSTRAINT cost_only_when_settled CHECK (credits_nano IS NULL OR settled_at_ms IS NOT NULL),
    CONSTRAINT known_cost_ends_reservation CHECK (credits_nano IS NULL OR reserved_nano IS NULL),
    CONSTRAINT awaited_cost_is_unknown CHECK (NOT is_cost_awaited
        OR (state IN ('completed', 'cancelled') AND credits_nano IS NULL)),
    CONSTRAINT only_known_cost_is_rounded CHECK (NOT is_rounded OR credits_nano IS NOT NULL),
    CONSTRAINT only_completed_has_output CHECK (state = 'completed' OR (output_url IS NULL AND output_path IS NULL)),
    CONSTRAINT saved_is_whole CHECK ((output_path IS NULL) = (output_sha256 IS NULL)
        AND (output_path IS NULL) = (output_bytes IS NULL) AND (output_path IS NULL) = (saved_at_ms IS NULL)),
    CONSTRAINT saved_forgets_url CHECK (output_path IS NULL OR output_url IS NULL),
    CONSTRAINT failure_fits_state CHECK (CASE state
        WHEN 'failed' THEN failure_code IS NOT NULL
        WHEN 'cancelled' THEN failure_code IS NOT NULL
        WHEN 'completed' THEN failure_code IS NULL
            OR (failure_code IN ('no_asset', 'unverified') AND output_path IS NULL)
        ELSE failure_code IS NULL AND failure_message IS NULL END),
    CONSTRAINT only_settled_is_superseded CHECK (superseded_at_ms IS NULL OR settled_at_ms IS NOT NULL)
) STRICT;

-- A provider task belongs to one attempt.
CREATE UNIQUE INDEX attempt_of_task_id ON attempt (service_id, key_fingerprint, task_id)
    WHERE task_id IS NOT NULL AND NOT shares_task_id;

-- Paid and rendering clips by similarity of their requests. Equal requests have equal hashes; nearly equal ones share the
-- upper 32 bits.
CREATE INDEX attempt_by_similarity ON attempt (similarity_hash)
    WHERE state = 'completed' OR task_id IS NOT NULL AND state IN ('queued', 'running');

-- Attempts that a new run must follow: open, paid but not saved, or with a cost still queried. Start-up reads only these.
CREATE INDEX attempt_unfinished ON attempt (batch_id, task, number) WHERE is_open OR is_unsaved OR is_cost_awaited;

-- Attempts that guards wanted cancelled, to find the tasks that wait again.
CREATE INDEX attempt_for_guard ON attempt (batch_id, cancel_reason, task) WHERE cancel_reason IS NOT NULL;

-- Settled attempts with an unknown cost.
CREATE INDEX attempt_cost_unknown ON attempt (batch_id) WHERE settled_at_ms IS NOT NULL AND credits_nano IS NULL;

-- Costs of one kind of clip at one service, the latest last.
CREATE INDEX attempt_price ON attempt (service_id, model, resolution, id)
    WHERE state = 'completed' AND credits_nano > 0 AND seconds IS NOT NULL;

-- The log: one row per transition and amount, in the order in which they became durable. Never changed.
CREATE TABLE event (
    id INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    batch_id INTEGER REFERENCES batch (id),
    task INTEGER REFERENCES task_state (id),
    attempt INTEGER,
    kind TEXT NOT NULL CHECK (kind <> ''), -- intent, accepted, running, completed, failed, saved, … ; amount: money only
    from_state TEXT,
    to_state TEXT,
    amount_text TEXT,                    -- as the provider wrote it
    amount_nano INTEGER,                 -- as booked
    amount_unit TEXT,                    -- credits
    amount_field TEXT,                   -- the field it came from
    amount_kind TEXT CHECK (amount_kind IN ('reserved', 'quoted', 'charged', 'stated', 'released')), -- stated: not booked
    is_rounded INTEGER NOT NULL DEFAULT 0 CHECK (is_rounded IN (0, 1)),
    source TEXT,                         -- reply, query, replayed, adopted, rule:not_billed, user, manifest
    code TEXT,
    message TEXT,
    CONSTRAINT amount_is_whole CHECK ((amount_nano IS NULL) = (amount_kind IS NULL)
        AND (amount_nano IS NULL) = (amount_unit IS NULL)),
    CONSTRAINT attempt_is_of_a_task CHECK (attempt IS NULL OR task IS NOT NULL)
) STRICT;

CREATE INDEX event_of_task ON event (task, id) WHERE task IS NOT NULL;

CREATE TRIGGER event_is_never_changed BEFORE UPDATE ON event BEGIN
    SELECT raise(ABORT, 'the log is append-only');
END;

CREATE TRIGGER event_is_never_deleted BEFORE DELETE ON event BEGIN
    SELECT raise(ABORT, 'the log is append-only');
END;

-- Commands from users, in order. The active run applies them within a second. Without one, the program that records a
-- command also carries it out; the next run carries out the rest. A row only gains its start and its outcome. The last
-- pause or unpause of a scope, and the last limit, apply to every run, whatever their outcome.
CREATE TABLE command (
    id INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN (
        'cancel', 'retry', 'reconcile', 'adopt', 'assume_lost', 'pause', 'unpause', 'concurrency')),
    task INTEGER REFERENCES task_state (id),
    attempt INTEGER CHECK (attempt BETWEEN 1 AND 2147483647), -- the one that the user saw; others are not changed
    batch_id INTEGER REFERENCES batch (id), -- pause, unpause: its tasks; NULL: all
    model TEXT CHECK (model <> ''),      -- pause, unpause, concurrency: its tasks; NULL: all
    -- Even if it is charged (cancel), already paid (retry), or not looked up first (assume_lost).
    is_insisted INTEGER NOT NULL DEFAULT 0 CHECK (is_insisted IN (0, 1)),
    new_seed INTEGER,                    -- retry: seed of the next attempt; NULL: unchanged
    adopted_task_id TEXT CHECK (adopted_task_id <> ''), -- adopt: the provider's task ID
    tasks_in_flight INTEGER CHECK (tasks_in_flight >= 1), -- concurrency; NULL: use the run's options
    started_at_ms INTEGER,               -- when a runner first read it: it can no longer be withdrawn
    ended_at_ms INTEGER,                 -- NULL: not carried out yet
    outcome TEXT CHECK (outcome <> ''),
    message TEXT,
    CONSTRAINT task_orders_name_an_attempt
        CHECK ((kind IN ('cancel', 'retry', 'reconcile', 'adopt', 'assume_lost')) = (task IS NOT NULL)
            AND (task IS NULL) = (attempt IS NULL)),
    CONSTRAINT only_adopt_names_a_provider_task CHECK ((adopted_task_id IS NOT NULL) = (kind = 'adopt')),
    CONSTRAINT only_retries_have_a_seed CHECK (new_seed IS NULL OR kind = 'retry'),
    CONSTRAINT one_scope CHECK (batch_id IS NULL OR model IS NULL),
    CONSTRAINT only_limits_have_a_number CHECK (tasks_in_flight IS NULL OR kind = 'concurrency'),
    CONSTRAINT an_end_has_an_outcome CHECK ((ended_at_ms IS NULL) = (outcome IS NULL))
) STRICT;

CREATE INDEX command_open ON command (id) WHERE ended_at_ms IS NULL;
CREATE INDEX command_adopting ON command (adopted_task_id) WHERE adopted_task_id IS NOT NULL AND ended_at_ms IS NULL;
CREATE INDEX command_lasting ON command (id) WHERE task IS NULL;

CREATE TRIGGER command_ends_once BEFORE UPDATE ON command WHEN OLD.ended_at_ms IS NOT NULL BEGIN
    SELECT raise(ABORT, 'a command ends once');
END;

CREATE TRIGGER command_is_never_deleted BEFORE DELETE ON command BEGIN
    SELECT raise(ABORT, 'commands are kept');
END;

-- Proven submission-key support of providers.
CREATE TABLE key_trust (
    base_url TEXT NOT NULL,
    key_fingerprint TEXT NOT NULL,
    dialect TEXT NOT NULL CHECK (dialect IN ('flat', 'params')),
    trust TEXT NOT NULL CHECK (trust IN ('unknown', 'honoured', 'ignored')),
    evidence TEXT NOT NULL,              -- echo, query_found, query_found_another, query_not_found
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (base_url, key_fingerprint, dialect)
) STRICT, WITHOUT ROWID;

-- `dailies prices forget`: for a kind of clip, only bills of later attempts count.
CREATE TABLE price_forgotten (
    service_id INTEGER NOT NULL REFERENCES service (id),
    model TEXT NOT NULL,
    resolution TEXT NOT NULL,
    last_attempt INTEGER NOT NULL REFERENCES attempt (id), -- the last attempt that does not count
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (service_id, model, resolution)
) STRICT, WITHOUT ROWID;

-- For people and scripts. A task shows its latest attempt; `credits` is the sum over all its attempts.
CREATE VIEW task AS
SELECT
    s.id, s.batch_id, i.key, s.state, s.model, json_extract(i.request, '$.prompt') AS prompt, i.request, i.tags, s.priority, s.attempt,
    a.submission_key, a.task_id,
    a.estimated_credits_nano / 1e9 AS estimated_credits,
    s.credits_nano / 1e9 AS credits,
    s.credits_nano,
    a.submitted_at_ms, a.outcome_unknown_at_ms, a.completed_at_ms,
    coalesce(a.settled_at_ms, s.withdrawn_at_ms) AS settled_at_ms,
    a.output_path, a.output_sha256,
    coalesce(a.failure_code, s.withdrawn_code) AS failure_code,
    a.failure_message, a.lost_at_ms
-- Outer joins keep the narrow table first in every query plan.
FROM task_state AS s
LEFT JOIN task_input AS i ON i.id = s.id
LEFT JOIN attempt AS a ON a.task = s.id AND a.number = s.attempt AND s.is_submitted;
