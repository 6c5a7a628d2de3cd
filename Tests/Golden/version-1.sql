-- A store that version 1 of the schema left, as the sqlite3 shell dumps it: saved, failed, unsaved, open, uncertain, in flight,
-- waiting and cancelled tasks. The simulator's journal beside it knows the same renders.
PRAGMA application_id = 1145130073;
PRAGMA user_version = 1;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE batch (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE CHECK (name <> ''),
    manifest_path TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    provider TEXT NOT NULL,
    base_url TEXT NOT NULL,
    output_dir TEXT NOT NULL,            -- where clips go, absolute
    budget_nano INTEGER CHECK (budget_nano >= 0), -- cap over all runs and attempts; NULL: none
    budget_mode TEXT NOT NULL DEFAULT 'cautious' CHECK (budget_mode IN ('cautious', 'soft', 'hard')) -- of its tags' too
) STRICT;
INSERT INTO batch VALUES(1,'golden','/shows/c.jsonl',1795837364925,'simulator','http://127.0.0.1:18080','/shows/renders',60000000000,'cautious');
CREATE TABLE tag_budget (
    id INTEGER PRIMARY KEY,
    batch_id INTEGER NOT NULL REFERENCES batch (id),
    name TEXT NOT NULL CHECK (name <> ''),
    value TEXT NOT NULL,
    cap_nano INTEGER CHECK (cap_nano >= 0), -- NULL: lifted
    UNIQUE (batch_id, name, value)
) STRICT;
CREATE TABLE batch_total (
    batch_id INTEGER PRIMARY KEY REFERENCES batch (id),
    settled_whole INTEGER NOT NULL DEFAULT 0,
    settled_billionths INTEGER NOT NULL DEFAULT 0,
    reserved_whole INTEGER NOT NULL DEFAULT 0,
    reserved_billionths INTEGER NOT NULL DEFAULT 0,
    first_submitted_at_ms INTEGER,
    last_settled_at_ms INTEGER
) STRICT;
INSERT INTO batch_total VALUES(1,5,4000000000,11,7000000000,1795837364962,1795837375616);
CREATE TABLE task_input (
    id INTEGER PRIMARY KEY,
    batch_id INTEGER NOT NULL REFERENCES batch (id),
    key TEXT NOT NULL CHECK (key <> ''), -- the manifest's id, or one derived from the content
    request TEXT NOT NULL,               -- the canonical request: one JSON object, free of dialect
    duration_seconds INTEGER,
    resolution TEXT,
    tags TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(tags)), -- {"name":"value"}
    output TEXT,                         -- file name asked for in the manifest
    UNIQUE (batch_id, key)
) STRICT;
INSERT INTO task_input VALUES(1,1,'saved-1','{"aspect_ratio":"16:9","duration_seconds":4,"model":"sora-2-pro","prompt":"A red kite over a field","resolution":"720p"}',4,'720p','{"client":"acme"}',NULL);
INSERT INTO task_input VALUES(2,1,'saved-2','{"aspect_ratio":"16:9","duration_seconds":4,"model":"sora-2-pro","prompt":"Rain on a tin roof","resolution":"720p"}',4,'720p','{}',NULL);
INSERT INTO task_input VALUES(3,1,'7vqhyunbkqejvrfc','{"aspect_ratio":"16:9","duration_seconds":4,"model":"sora-2-pro","prompt":"A text without an id\r\nin two lines","resolution":"720p"}',4,'720p','{}',NULL);
INSERT INTO task_input VALUES(4,1,'risky-1','{"aspect_ratio":"16:9","duration_seconds":4,"model":"sora-2-pro","prompt":"A glass falls","resolution":"720p"}',4,'720p','{}',NULL);
INSERT INTO task_input VALUES(5,1,'risky-2','{"aspect_ratio":"16:9","duration_seconds":4,"model":"sora-2-pro","prompt":"A glass stands","resolution":"720p"}',4,'720p','{}',NULL);
INSERT INTO task_input VALUES(6,1,'risky-3','{"aspect_ratio":"16:9","duration_seconds":4,"model":"sora-2-pro","prompt":"A glass breaks","resolution":"720p"}',4,'720p','{}',NULL);
INSERT INTO task_input VALUES(7,1,'cancelled','{"aspect_ratio":"16:9","duration_seconds":4,"model":"sora-2-pro","prompt":"Not wanted","resolution":"720p"}',4,'720p','{}',NULL);
INSERT INTO task_input VALUES(8,1,'unsaved','{"aspect_ratio":"16:9","duration_seconds":4,"model":"sora-2-pro","prompt":"A boat leaves","resolution":"720p"}',4,'720p','{}',NULL);
INSERT INTO task_input VALUES(9,1,'open-1','{"aspect_ratio":"16:9","duration_seconds":4,"model":"sora-2-pro","prompt":"A door opens, take 1","resolution":"720p"}',4,'720p','{"client":"acme"}',NULL);
INSERT INTO task_input VALUES(10,1,'open-2','{"aspect_ratio":"16:9","duration_seconds":4,"model":"sora-2-pro","prompt":"A door opens, take 2","resolution":"720p"}',4,'720p','{"client":"acme"}',NULL);
INSERT INTO task_input VALUES(11,1,'open-3','{"aspect_ratio":"16:9","duration_seconds":4,"model":"sora-2-pro","prompt":"A door opens, take 3","resolution":"720p"}',4,'720p','{"client":"acme"}',NULL);
INSERT INTO task_input VALUES(12,1,'open-4','{"aspect_ratio":"16:9","duration_seconds":4,"model":"sora-2-pro","prompt":"A door opens, take 4","resolution":"720p"}',4,'720p','{"client":"acme"}',NULL);
INSERT INTO task_input VALUES(13,1,'waiting-1','{"aspect_ratio":"16:9","duration_seconds":4,"model":"sora-2-pro","prompt":"A door stays shut, take 1","resolution":"720p"}',4,'720p','{}',NULL);
INSERT INTO task_input VALUES(14,1,'waiting-2','{"aspect_ratio":"16:9","duration_seconds":4,"model":"sora-2-pro","prompt":"A door stays shut, take 2","resolution":"720p"}',4,'720p','{}',NULL);
INSERT INTO task_input VALUES(15,1,'uncertain','{"aspect_ratio":"16:9","duration_seconds":4,"model":"sora-2-pro","prompt":"A bell","resolution":"720p"}',4,'720p','{}',NULL);
INSERT INTO task_input VALUES(16,1,'in-flight','{"aspect_ratio":"16:9","duration_seconds":4,"model":"sora-2-pro","prompt":"A bell rings","resolution":"720p"}',4,'720p','{}',NULL);
INSERT INTO task_input VALUES(17,1,'waiting-3','{"aspect_ratio":"16:9","duration_seconds":4,"model":"sora-2-pro","prompt":"A bell rings twice","resolution":"720p"}',4,'720p','{}',NULL);
CREATE TABLE task_standing (
    id INTEGER PRIMARY KEY REFERENCES task_input (id),
    batch_id INTEGER NOT NULL REFERENCES batch (id),
    model TEXT NOT NULL,
    priority INTEGER NOT NULL DEFAULT 0, -- higher first
    state TEXT NOT NULL DEFAULT 'queued'
        CHECK (state IN ('queued', 'running', 'completed', 'failed', 'cancelled')),
    attempt INTEGER NOT NULL DEFAULT 1 CHECK (attempt >= 1),
    has_key INTEGER NOT NULL DEFAULT 0 CHECK (has_key IN (0, 1)), -- the row (id, attempt) of `attempt` says more
    credits_nano INTEGER CHECK (credits_nano >= 0), -- all attempts; NULL: nothing known, or a settled one's cost unknown
    new_seed INTEGER,                    -- by the user's word or rule, in place of the request's own, from then on
    withdrawn_code TEXT CHECK (withdrawn_code IN ('removed', 'cancelled')), -- ended before it was sent
    withdrawn_at_ms INTEGER,
    CONSTRAINT without_key_it_waits_or_was_withdrawn CHECK (has_key = 1 OR state IN ('queued', 'cancelled')),
    CONSTRAINT withdrawn_is_cancelled_unsent
        CHECK ((withdrawn_code IS NOT NULL) = (state = 'cancelled' AND has_key = 0)),
    CONSTRAINT withdrawn_has_a_time CHECK ((withdrawn_code IS NULL) = (withdrawn_at_ms IS NULL))
) STRICT;
INSERT INTO task_standing VALUES(1,1,'sora-2-pro',0,'failed',1,1,0,NULL,NULL,NULL);
INSERT INTO task_standing VALUES(2,1,'sora-2-pro',0,'completed',1,1,1800000000,NULL,NULL,NULL);
INSERT INTO task_standing VALUES(3,1,'sora-2-pro',0,'failed',1,1,0,NULL,NULL,NULL);
INSERT INTO task_standing VALUES(4,1,'sora-2-pro',0,'failed',1,1,0,NULL,NULL,NULL);
INSERT INTO task_standing VALUES(5,1,'sora-2-pro',0,'completed',1,1,1800000000,NULL,NULL,NULL);
INSERT INTO task_standing VALUES(6,1,'sora-2-pro',0,'completed',1,1,1800000000,NULL,NULL,NULL);
INSERT INTO task_standing VALUES(7,1,'sora-2-pro',-5,'completed',1,1,1800000000,NULL,NULL,NULL);
INSERT INTO task_standing VALUES(8,1,'sora-2-pro',0,'completed',1,1,1800000000,NULL,NULL,NULL);
INSERT INTO task_standing VALUES(9,1,'sora-2-pro',0,'running',1,1,NULL,NULL,NULL,NULL);
INSERT INTO task_standing VALUES(10,1,'sora-2-pro',0,'running',1,1,NULL,NULL,NULL,NULL);
INSERT INTO task_standing VALUES(11,1,'sora-2-pro',0,'running',1,1,NULL,NULL,NULL,NULL);
INSERT INTO task_standing VALUES(12,1,'sora-2-pro',0,'queued',1,1,NULL,NULL,NULL,NULL);
INSERT INTO task_standing VALUES(13,1,'sora-2-pro',-9,'queued',1,1,NULL,NULL,NULL,NULL);
INSERT INTO task_standing VALUES(14,1,'sora-2-pro',-9,'cancelled',1,0,NULL,NULL,'cancelled',1795837394153);
INSERT INTO task_standing VALUES(15,1,'sora-2-pro',0,'queued',1,1,NULL,NULL,NULL,NULL);
INSERT INTO task_standing VALUES(16,1,'sora-2-pro',-10,'queued',1,1,NULL,NULL,NULL,NULL);
INSERT INTO task_standing VALUES(17,1,'sora-2-pro',-20,'queued',1,1,NULL,NULL,NULL,NULL);
CREATE TABLE attempt (
    task INTEGER NOT NULL REFERENCES task_standing (id),
    n INTEGER NOT NULL CHECK (n >= 1),
    batch_id INTEGER NOT NULL REFERENCES batch (id),
    model TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'completed', 'failed', 'cancelled')),
    submission_key TEXT NOT NULL UNIQUE CHECK (submission_key <> ''), -- sent as out_task_id
    dialect TEXT NOT NULL CHECK (dialect IN ('flat', 'params')),
    key_fingerprint TEXT NOT NULL,       -- a one-way mark of the API key
    task_id TEXT CHECK (task_id <> ''),  -- the provider's name of it
    submitted_at_ms INTEGER NOT NULL,    -- when the intent was recorded, just before the first send
    not_accepted_at_ms INTEGER,          -- proven never to have reached the provider: the key is free again
    outcome_unknown_at_ms INTEGER,
    accepted_at_ms INTEGER,
    accepted_by TEXT CHECK (accepted_by IN ('reply', 'query', 'replayed', 'adopted')),
    lost_at_ms INTEGER,                  -- the provider does not know it any more; nobody may send it anew
    is_replayed INTEGER NOT NULL DEFAULT 0 CHECK (is_replayed IN (0, 1)), -- met a render that existed before
    estimated_credits_nano INTEGER CHECK (estimated_credits_nano >= 0),
    reserved_nano INTEGER CHECK (reserved_nano >= 0), -- held against the budget until the cost is known
    credits_nano INTEGER CHECK (credits_nano >= 0), -- the cost; NULL once settled: unknown
    is_cost_awaited INTEGER NOT NULL DEFAULT 0 CHECK (is_cost_awaited IN (0, 1)), -- unknown, still being asked for
    is_rounded INTEGER NOT NULL DEFAULT 0 CHECK (is_rounded IN (0, 1)), -- stated with more than nine decimals
    completed_at_ms INTEGER,             -- the provider's time
    settled_at_ms INTEGER,               -- when the final state was durable here
    delivered_seconds REAL,
    output_url TEXT,                     -- gives access to the clip while it lives; forgotten once saved
    output_path TEXT,
    output_sha256 TEXT CHECK (length(output_sha256) = 64),
    output_bytes INTEGER CHECK (output_bytes >= 0),
    saved_at_ms INTEGER,
    superseded_at_ms INTEGER,            -- a later attempt of the task was asked for
    failure_code TEXT,
    failure_message TEXT,
    body BLOB NOT NULL,                  -- what was sent, to the byte (last, so that scans need not read it)
    is_open INTEGER NOT NULL
        GENERATED ALWAYS AS (not_accepted_at_ms IS NULL AND state IN ('queued', 'running')) VIRTUAL,
    is_unsaved INTEGER NOT NULL GENERATED ALWAYS AS (state = 'completed' AND output_path IS NULL
        AND NOT (superseded_at_ms IS NOT NULL AND failure_code IS 'no_asset')) VIRTUAL,
    PRIMARY KEY (task, n),
    CONSTRAINT not_accepted_holds_nothing CHECK (not_accepted_at_ms IS NULL
        OR (state = 'queued' AND task_id IS NULL AND outcome_unknown_at_ms IS NULL AND reserved_nano IS NULL)),
    CONSTRAINT unknown_only_before_acceptance
        CHECK (outcome_unknown_at_ms IS NULL OR (state = 'queued' AND task_id IS NULL)),
    CONSTRAINT acceptance_is_whole
        CHECK ((task_id IS NULL) = (accepted_at_ms IS NULL) AND (task_id IS NULL) = (accepted_by IS NULL)),
    CONSTRAINT only_queued_or_failed_without_task_id CHECK (task_id IS NOT NULL OR state IN ('queued', 'failed')),
    CONSTRAINT lost_was_known CHECK (lost_at_ms IS NULL OR task_id IS NOT NULL),
    CONSTRAINT settled_has_a_time CHECK ((settled_at_ms IS NOT NULL) = (state IN ('completed', 'failed', 'cancelled'))),
    CONSTRAINT cost_only_when_settled CHECK (credits_nano IS NULL OR settled_at_ms IS NOT NULL),
    CONSTRAINT known_cost_ends_reservation CHECK (credits_nano IS NULL OR reserved_nano IS NULL),
    CONSTRAINT awaited_cost_is_unknown CHECK (is_cost_awaited = 0
        OR (state IN ('completed', 'cancelled') AND credits_nano IS NULL)),
    CONSTRAINT only_known_cost_is_rounded CHECK (is_rounded = 0 OR credits_nano IS NOT NULL),
    CONSTRAINT only_completed_has_output CHECK (state = 'completed' OR (output_url IS NULL AND output_path IS NULL)),
    CONSTRAINT saved_is_whole CHECK ((output_path IS NULL) = (output_sha256 IS NULL)
        AND (output_path IS NULL) = (output_bytes IS NULL) AND (output_path IS NULL) = (saved_at_ms IS NULL)),
    CONSTRAINT saved_forgets_url CHECK (output_path IS NULL OR output_url IS NULL),
    CONSTRAINT failure_fits_state CHECK (CASE state
        WHEN 'failed' THEN failure_code IS NOT NULL
        WHEN 'cancelled' THEN failure_code IS NOT NULL
        WHEN 'completed' THEN failure_code IS NULL OR (failure_code = 'no_asset' AND output_path IS NULL)
        ELSE failure_code IS NULL AND failure_message IS NULL END),
    CONSTRAINT only_settled_is_superseded CHECK (superseded_at_ms IS NULL OR settled_at_ms IS NOT NULL)
) STRICT;
INSERT INTO attempt VALUES(1,1,1,'sora-2-pro','failed','v3uvmba7afj3ibkkam3lc7yj','flat','45135a6ff67b','task_01M8G3Z2QBFFT29X883084PCSH',1795837364962,NULL,NULL,1795837364972,'reply',NULL,0,1800000000,NULL,0,0,0,NULL,1795837365133,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'upstream_error','the upstream could not render this',X'7b226d6f64656c223a22736f72612d322d70726f222c226173706563745f726174696f223a2231363a39222c226475726174696f6e5f7365636f6e6473223a342c2270726f6d7074223a224120726564206b697465206f7665722061206669656c64222c227265736f6c7574696f6e223a2237323070222c226f75745f7461736b5f6964223a22763375766d62613761666a3369626b6b616d336c6337796a227d');
INSERT INTO attempt VALUES(2,1,1,'sora-2-pro','completed','h7n7gs35o3uepu45kgyhkc4m','flat','45135a6ff67b','task_01M8G3Z2R8E1A44MM3AZTMHANS',1795837364989,NULL,NULL,1795837365009,'reply',NULL,0,1800000000,NULL,1800000000,0,0,1795837365131,1795837365140,4.0,NULL,'/shows/renders/golden/saved-2.mp4','b4ca635b7136129909c948087d225a7fc0764124d9d9b26c3acdbbf968109301',1501,1795837365153,NULL,NULL,NULL,X'7b226d6f64656c223a22736f72612d322d70726f222c226173706563745f726174696f223a2231363a39222c226475726174696f6e5f7365636f6e6473223a342c2270726f6d7074223a225261696e206f6e20612074696e20726f6f66222c227265736f6c7574696f6e223a2237323070222c226f75745f7461736b5f6964223a2268376e37677333356f337565707534356b6779686b63346d227d');
INSERT INTO attempt VALUES(3,1,1,'sora-2-pro','failed','oa7sqlne6bhly3oltffjeqyx','flat','45135a6ff67b','task_01M8G3Z2RCS1ESPTDXNMR3ZC7A',1795837364989,NULL,NULL,1795837365010,'reply',NULL,0,1800000000,NULL,0,0,0,NULL,1795837365129,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'upstream_error','the upstream could not render this',X'7b226d6f64656c223a22736f72612d322d70726f222c226173706563745f726174696f223a2231363a39222c226475726174696f6e5f7365636f6e6473223a342c2270726f6d7074223a2241207465787420776974686f757420616e2069645c725c6e696e2074776f206c696e6573222c227265736f6c7574696f6e223a2237323070222c226f75745f7461736b5f6964223a226f613773716c6e653662686c79336f6c7466666a65717978227d');
INSERT INTO attempt VALUES(4,1,1,'sora-2-pro','failed','juobuaiohv4knzoy3yksim52','flat','45135a6ff67b','task_01M8G3Z2RGQA3RB9PYMZ036ZP9',1795837364989,NULL,NULL,1795837365023,'reply',NULL,0,1800000000,NULL,0,0,0,NULL,1795837365133,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'upstream_error','the upstream could not render this',X'7b226d6f64656c223a22736f72612d322d70726f222c226173706563745f726174696f223a2231363a39222c226475726174696f6e5f7365636f6e6473223a342c2270726f6d7074223a224120676c6173732066616c6c73222c227265736f6c7574696f6e223a2237323070222c226f75745f7461736b5f6964223a226a756f627561696f6876346b6e7a6f7933796b73696d3532227d');
INSERT INTO attempt VALUES(5,1,1,'sora-2-pro','completed','2ddn4bwtffbqst4eibop2gt5','flat','45135a6ff67b','task_01M8G3Z2RDJ4EWWKA5FD51JXZK',1795837364989,NULL,NULL,1795837365010,'reply',NULL,0,1800000000,NULL,1800000000,0,0,1795837365123,1795837365129,4.0,NULL,'/shows/renders/golden/risky-2.mp4','b4ca635b7136129909c948087d225a7fc0764124d9d9b26c3acdbbf968109301',1501,1795837365151,NULL,NULL,NULL,X'7b226d6f64656c223a22736f72612d322d70726f222c226173706563745f726174696f223a2231363a39222c226475726174696f6e5f7365636f6e6473223a342c2270726f6d7074223a224120676c617373207374616e6473222c227265736f6c7574696f6e223a2237323070222c226f75745f7461736b5f6964223a223264646e34627774666662717374346569626f7032677435227d');
INSERT INTO attempt VALUES(6,1,1,'sora-2-pro','completed','5ioboa7jduol7xmh2cefifwk','flat','45135a6ff67b','task_01M8G3ZCZM736644E53386H88D',1795837375469,NULL,NULL,1795837375482,'reply',NULL,0,1800000000,NULL,1800000000,0,0,1795837375615,1795837375616,4.0,'http://127.0.0.1:18080/simulator/assets/task_01M8G3ZCZM736644E53386H88D/clip.mp4?expires=1795837519615&sig=5a23d2b08e6d4c41',NULL,NULL,NULL,NULL,NULL,NULL,NULL,X'7b226d6f64656c223a22736f72612d322d70726f222c226173706563745f726174696f223a2231363a39222c226475726174696f6e5f7365636f6e6473223a342c2270726f6d7074223a224120676c61737320627265616b73222c227265736f6c7574696f6e223a2237323070222c226f75745f7461736b5f6964223a2235696f626f61376a64756f6c37786d68326365666966776b227d');
INSERT INTO attempt VALUES(8,1,1,'sora-2-pro','completed','m4h7isydkyh3hky364ubs3uo','flat','45135a6ff67b','task_01M8G3ZCZT8G1TZ6GY9GJ2X4DB',1795837375469,NULL,NULL,1795837375484,'reply',NULL,0,1800000000,NULL,1800000000,0,0,1795837375598,1795837375607,4.0,'http://127.0.0.1:18080/simulator/assets/task_01M8G3ZCZT8G1TZ6GY9GJ2X4DB/clip.mp4?expires=1795837519606&sig=bf786371d8b0c913',NULL,NULL,NULL,NULL,NULL,NULL,NULL,X'7b226d6f64656c223a22736f72612d322d70726f222c226173706563745f726174696f223a2231363a39222c226475726174696f6e5f7365636f6e6473223a342c2270726f6d7074223a224120626f6174206c6561766573222c227265736f6c7574696f6e223a2237323070222c226f75745f7461736b5f6964223a226d346837697379646b796833686b7933363475627333756f227d');
INSERT INTO attempt VALUES(7,1,1,'sora-2-pro','completed','vshbwsdcokfqbj4qzcbsxzde','flat','45135a6ff67b','task_01M8G3ZCZSY9MKWEH0YXF240PS',1795837375469,NULL,NULL,1795837375484,'reply',NULL,0,1800000000,NULL,1800000000,0,0,1795837375588,1795837375593,4.0,'http://127.0.0.1:18080/simulator/assets/task_01M8G3ZCZSY9MKWEH0YXF240PS/clip.mp4?expires=1795837519591&sig=ab3b31c02de1f60e',NULL,NULL,NULL,NULL,NULL,NULL,NULL,X'7b226d6f64656c223a22736f72612d322d70726f222c226173706563745f726174696f223a2231363a39222c226475726174696f6e5f7365636f6e6473223a342c2270726f6d7074223a224e6f742077616e746564222c227265736f6c7574696f6e223a2237323070222c226f75745f7461736b5f6964223a2276736862777364636f6b6671626a34717a636273787a6465227d');
INSERT INTO attempt VALUES(9,1,1,'sora-2-pro','running','5a3sk4hewxysxl46vrd3del4','flat','45135a6ff67b','task_01M8G3ZDJJP36CTZ3FKQT6NEPH',1795837376071,NULL,NULL,1795837376095,'reply',NULL,0,1800000000,1980000000,NULL,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,X'7b226d6f64656c223a22736f72612d322d70726f222c226173706563745f726174696f223a2231363a39222c226475726174696f6e5f7365636f6e6473223a342c2270726f6d7074223a224120646f6f72206f70656e732c2074616b652031222c227265736f6c7574696f6e223a2237323070222c226f75745f7461736b5f6964223a22356133736b34686577787973786c34367672643364656c34227d');
INSERT INTO attempt VALUES(10,1,1,'sora-2-pro','running','7k3xhydpzbn3e2ndaenhu5gx','flat','45135a6ff67b','task_01M8G3ZDJWQGCTJNFNMF603QHD',1795837376071,NULL,NULL,1795837376095,'reply',NULL,0,1800000000,1980000000,NULL,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,X'7b226d6f64656c223a22736f72612d322d70726f222c226173706563745f726174696f223a2231363a39222c226475726174696f6e5f7365636f6e6473223a342c2270726f6d7074223a224120646f6f72206f70656e732c2074616b652032222c227265736f6c7574696f6e223a2237323070222c226f75745f7461736b5f6964223a22376b3378687964707a626e3365326e6461656e6875356778227d');
INSERT INTO attempt VALUES(11,1,1,'sora-2-pro','running','3uai3jomqgadpyywxfwotdhl','flat','45135a6ff67b','task_01M8G3ZDJYA3VTDJ2XADSB19N1',1795837376071,NULL,NULL,1795837376097,'reply',NULL,0,1800000000,1980000000,NULL,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,X'7b226d6f64656c223a22736f72612d322d70726f222c226173706563745f726174696f223a2231363a39222c226475726174696f6e5f7365636f6e6473223a342c2270726f6d7074223a224120646f6f72206f70656e732c2074616b652033222c227265736f6c7574696f6e223a2237323070222c226f75745f7461736b5f6964223a2233756169336a6f6d71676164707979777866776f7464686c227d');
INSERT INTO attempt VALUES(12,1,1,'sora-2-pro','queued','fd3ienzrdfq42u4zbhax7yuh','flat','45135a6ff67b','task_01M8G3ZHM9ANFDZXQ43ZR9WJTY',1795837380228,NULL,NULL,1795837382241,'reply',NULL,0,1800000000,1980000000,NULL,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,X'7b226d6f64656c223a22736f72612d322d70726f222c226173706563745f726174696f223a2231363a39222c226475726174696f6e5f7365636f6e6473223a342c2270726f6d7074223a224120646f6f72206f70656e732c2074616b652034222c227265736f6c7574696f6e223a2237323070222c226f75745f7461736b5f6964223a2266643369656e7a72646671343275347a6268617837797568227d');
INSERT INTO attempt VALUES(13,1,1,'sora-2-pro','queued','bfwl6eyv75gdl4yxt7s27qx4','flat','45135a6ff67b','task_01M8G3ZHMDCB0VHY7Z9JE9FGJN',1795837380228,NULL,NULL,1795837382242,'reply',NULL,0,1800000000,1980000000,NULL,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,X'7b226d6f64656c223a22736f72612d322d70726f222c226173706563745f726174696f223a2231363a39222c226475726174696f6e5f7365636f6e6473223a342c2270726f6d7074223a224120646f6f7220737461797320736875742c2074616b652031222c227265736f6c7574696f6e223a2237323070222c226f75745f7461736b5f6964223a226266776c36657976373567646c3479787437733237717834227d');
INSERT INTO attempt VALUES(15,1,1,'sora-2-pro','queued','d7b6odywfy6have2rjnetwof','flat','45135a6ff67b',NULL,1795837394382,NULL,1795837394387,NULL,NULL,NULL,0,NULL,2700000000,NULL,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,X'7b226d6f64656c223a22736f72612d322d70726f222c226173706563745f726174696f223a2231363a39222c226475726174696f6e5f7365636f6e6473223a342c2270726f6d7074223a22412062656c6c222c227265736f6c7574696f6e223a2237323070222c226f75745f7461736b5f6964223a22643762366f6479776679366861766532726a6e6574776f66227d');
INSERT INTO attempt VALUES(16,1,1,'sora-2-pro','queued','fl6waxetkhfoylnargb4jfnz','flat','45135a6ff67b',NULL,1795837394382,NULL,1795837394388,NULL,NULL,NULL,0,NULL,2700000000,NULL,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,X'7b226d6f64656c223a22736f72612d322d70726f222c226173706563745f726174696f223a2231363a39222c226475726174696f6e5f7365636f6e6473223a342c2270726f6d7074223a22412062656c6c2072696e6773222c227265736f6c7574696f6e223a2237323070222c226f75745f7461736b5f6964223a22666c3677617865746b68666f796c6e61726762346a666e7a227d');
INSERT INTO attempt VALUES(17,1,1,'sora-2-pro','queued','hamy6xyflgdvo6y72w63x63z','flat','45135a6ff67b',NULL,1795837396516,NULL,NULL,NULL,NULL,NULL,0,NULL,2700000000,NULL,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,X'7b226d6f64656c223a22736f72612d322d70726f222c226173706563745f726174696f223a2231363a39222c226475726174696f6e5f7365636f6e6473223a342c2270726f6d7074223a22412062656c6c2072696e6773207477696365222c227265736f6c7574696f6e223a2237323070222c226f75745f7461736b5f6964223a2268616d79367879666c6764766f367937327736337836337a227d');
CREATE TABLE event (
    id INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    batch_id INTEGER REFERENCES batch (id),
    task INTEGER REFERENCES task_standing (id),
    attempt INTEGER,
    kind TEXT NOT NULL CHECK (kind <> ''), -- intent, accepted, running, completed, failed, saved, … ; amount: money only
    from_state TEXT,
    to_state TEXT,
    amount_text TEXT,                    -- as the provider wrote it
    amount_nano INTEGER,                 -- as it is booked
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
INSERT INTO event VALUES(1,1795837364925,1,NULL,NULL,'budget_set',NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,'user',NULL,'60');
INSERT INTO event VALUES(2,1795837364925,1,NULL,NULL,'enrolled',NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,'manifest',NULL,'5 new, 0 unchanged, 0 changed, 0 removed, 0 restored');
INSERT INTO event VALUES(3,1795837364962,1,1,1,'intent','queued','queued','1.85',1850000000,'credits','reservation','reserved',0,NULL,NULL,'v3uvmba7afj3ibkkam3lc7yj');
INSERT INTO event VALUES(4,1795837364972,1,1,1,'accepted','queued','queued','1.8',1800000000,'credits','estimated_credits','quoted',0,'reply',NULL,'task_01M8G3Z2QBFFT29X883084PCSH');
INSERT INTO event VALUES(5,1795837364972,1,1,1,'amount',NULL,NULL,'1.85',1850000000,'credits','reservation','released',0,NULL,NULL,NULL);
INSERT INTO event VALUES(6,1795837364972,1,1,1,'amount',NULL,NULL,'1.98',1980000000,'credits','reservation','reserved',0,NULL,NULL,NULL);
INSERT INTO event VALUES(7,1795837364989,NULL,NULL,NULL,'key_trust',NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,'query_found','honoured','http://127.0.0.1:18080 45135a6ff67b flat');
INSERT INTO event VALUES(8,1795837364989,1,2,1,'intent','queued','queued','1.85',1850000000,'credits','reservation','reserved',0,NULL,NULL,'h7n7gs35o3uepu45kgyhkc4m');
INSERT INTO event VALUES(9,1795837364989,1,3,1,'intent','queued','queued','1.85',1850000000,'credits','reservation','reserved',0,NULL,NULL,'oa7sqlne6bhly3oltffjeqyx');
INSERT INTO event VALUES(10,1795837364989,1,4,1,'intent','queued','queued','1.85',1850000000,'credits','reservation','reserved',0,NULL,NULL,'juobuaiohv4knzoy3yksim52');
INSERT INTO event VALUES(11,1795837364989,1,5,1,'intent','queued','queued','1.85',1850000000,'credits','reservation','reserved',0,NULL,NULL,'2ddn4bwtffbqst4eibop2gt5');
INSERT INTO event VALUES(12,1795837364999,1,1,1,'running','queued','running',NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL);
INSERT INTO event VALUES(13,1795837365009,1,2,1,'accepted','queued','queued','1.8',1800000000,'credits','estimated_credits','quoted',0,'reply',NULL,'task_01M8G3Z2R8E1A44MM3AZTMHANS');
INSERT INTO event VALUES(14,1795837365009,1,2,1,'amount',NULL,NULL,'1.85',1850000000,'credits','reservation','released',0,NULL,NULL,NULL);
INSERT INTO event VALUES(15,1795837365009,1,2,1,'amount',NULL,NULL,'1.98',1980000000,'credits','reservation','reserved',0,NULL,NULL,NULL);
INSERT INTO event VALUES(16,1795837365010,1,3,1,'accepted','queued','queued','1.8',1800000000,'credits','estimated_credits','quoted',0,'reply',NULL,'task_01M8G3Z2RCS1ESPTDXNMR3ZC7A');
INSERT INTO event VALUES(17,1795837365010,1,3,1,'amount',NULL,NULL,'1.85',1850000000,'credits','reservation','released',0,NULL,NULL,NULL);
INSERT INTO event VALUES(18,1795837365010,1,3,1,'amount',NULL,NULL,'1.98',1980000000,'credits','reservation','reserved',0,NULL,NULL,NULL);
INSERT INTO event VALUES(19,1795837365010,1,5,1,'accepted','queued','queued','1.8',1800000000,'credits','estimated_credits','quoted',0,'reply',NULL,'task_01M8G3Z2RDJ4EWWKA5FD51JXZK');
INSERT INTO event VALUES(20,1795837365010,1,5,1,'amount',NULL,NULL,'1.85',1850000000,'credits','reservation','released',0,NULL,NULL,NULL);
INSERT INTO event VALUES(21,1795837365010,1,5,1,'amount',NULL,NULL,'1.98',1980000000,'credits','reservation','reserved',0,NULL,NULL,NULL);
INSERT INTO event VALUES(22,1795837365023,1,4,1,'accepted','queued','queued','1.8',1800000000,'credits','estimated_credits','quoted',0,'reply',NULL,'task_01M8G3Z2RGQA3RB9PYMZ036ZP9');
INSERT INTO event VALUES(23,1795837365023,1,4,1,'amount',NULL,NULL,'1.85',1850000000,'credits','reservation','released',0,NULL,NULL,NULL);
INSERT INTO event VALUES(24,1795837365023,1,4,1,'amount',NULL,NULL,'1.98',1980000000,'credits','reservation','reserved',0,NULL,NULL,NULL);
INSERT INTO event VALUES(25,1795837365033,1,5,1,'running','queued','running',NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL);
INSERT INTO event VALUES(26,1795837365041,1,4,1,'running','queued','running',NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL);
INSERT INTO event VALUES(27,1795837365041,1,2,1,'running','queued','running',NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL);
INSERT INTO event VALUES(28,1795837365046,1,3,1,'running','queued','running',NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL);
INSERT INTO event VALUES(29,1795837365129,1,3,1,'failed','running','failed','0',0,'credits','rule:not_billed','charged',0,'rule:not_billed','upstream_error','the upstream could not render this');
INSERT INTO event VALUES(30,1795837365129,1,3,1,'amount',NULL,NULL,'1.98',1980000000,'credits','reservation','released',0,NULL,NULL,NULL);
INSERT INTO event VALUES(31,1795837365129,1,5,1,'completed','running','completed','1.8',1800000000,'credits','credits','charged',0,'reply',NULL,NULL);
INSERT INTO event VALUES(32,1795837365129,1,5,1,'amount',NULL,NULL,'1.98',1980000000,'credits','reservation','released',0,NULL,NULL,NULL);
INSERT INTO event VALUES(33,1795837365133,1,1,1,'failed','running','failed','0',0,'credits','rule:not_billed','charged',0,'rule:not_billed','upstream_error','the upstream could not render this');
INSERT INTO event VALUES(34,1795837365133,1,1,1,'amount',NULL,NULL,'1.98',1980000000,'credits','reservation','released',0,NULL,NULL,NULL);
INSERT INTO event VALUES(35,1795837365133,1,4,1,'failed','running','failed','0',0,'credits','rule:not_billed','charged',0,'rule:not_billed','upstream_error','the upstream could not render this');
INSERT INTO event VALUES(36,1795837365133,1,4,1,'amount',NULL,NULL,'1.98',1980000000,'credits','reservation','released',0,NULL,NULL,NULL);
INSERT INTO event VALUES(37,1795837365140,1,2,1,'completed','running','completed','1.8',1800000000,'credits','credits','charged',0,'reply',NULL,NULL);
INSERT INTO event VALUES(38,1795837365140,1,2,1,'amount',NULL,NULL,'1.98',1980000000,'credits','reservation','released',0,NULL,NULL,NULL);
INSERT INTO event VALUES(39,1795837365151,1,5,1,'saved','completed','completed',NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,'/shows/renders/golden/risky-2.mp4');
INSERT INTO event VALUES(40,1795837365153,1,2,1,'saved','completed','completed',NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,'/shows/renders/golden/saved-2.mp4');
INSERT INTO event VALUES(41,1795837375457,1,NULL,NULL,'enrolled',NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,'manifest',NULL,'3 new, 5 unchanged, 0 changed, 0 removed, 0 restored');
INSERT INTO event VALUES(42,1795837375469,1,6,1,'intent','queued','queued','2.7',2700000000,'credits','reservation','reserved',0,NULL,NULL,'5ioboa7jduol7xmh2cefifwk');
INSERT INTO event VALUES(43,1795837375469,1,8,1,'intent','queued','queued','2.7',2700000000,'credits','reservation','reserved',0,NULL,NULL,'m4h7isydkyh3hky364ubs3uo');
INSERT INTO event VALUES(44,1795837375469,1,7,1,'intent','queued','queued','2.7',2700000000,'credits','reservation','reserved',0,NULL,NULL,'vshbwsdcokfqbj4qzcbsxzde');
INSERT INTO event VALUES(45,1795837375482,1,6,1,'accepted','queued','queued','1.8',1800000000,'credits','estimated_credits','quoted',0,'reply',NULL,'task_01M8G3ZCZM736644E53386H88D');
INSERT INTO event VALUES(46,1795837375482,1,6,1,'amount',NULL,NULL,'2.7',2700000000,'credits','reservation','released',0,NULL,NULL,NULL);
INSERT INTO event VALUES(47,1795837375482,1,6,1,'amount',NULL,NULL,'1.98',1980000000,'credits','reservation','reserved',0,NULL,NULL,NULL);
INSERT INTO event VALUES(48,1795837375484,1,7,1,'accepted','queued','queued','1.8',1800000000,'credits','estimated_credits','quoted',0,'reply',NULL,'task_01M8G3ZCZSY9MKWEH0YXF240PS');
INSERT INTO event VALUES(49,1795837375484,1,7,1,'amount',NULL,NULL,'2.7',2700000000,'credits','reservation','released',0,NULL,NULL,NULL);
INSERT INTO event VALUES(50,1795837375484,1,7,1,'amount',NULL,NULL,'1.98',1980000000,'credits','reservation','reserved',0,NULL,NULL,NULL);
INSERT INTO event VALUES(51,1795837375484,1,8,1,'accepted','queued','queued','1.8',1800000000,'credits','estimated_credits','quoted',0,'reply',NULL,'task_01M8G3ZCZT8G1TZ6GY9GJ2X4DB');
INSERT INTO event VALUES(52,1795837375484,1,8,1,'amount',NULL,NULL,'2.7',2700000000,'credits','reservation','released',0,NULL,NULL,NULL);
INSERT INTO event VALUES(53,1795837375484,1,8,1,'amount',NULL,NULL,'1.98',1980000000,'credits','reservation','reserved',0,NULL,NULL,NULL);
INSERT INTO event VALUES(54,1795837375491,1,7,1,'running','queued','running',NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL);
INSERT INTO event VALUES(55,1795837375492,1,8,1,'running','queued','running',NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL);
INSERT INTO event VALUES(56,1795837375505,1,6,1,'running','queued','running',NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL);
INSERT INTO event VALUES(57,1795837375593,1,7,1,'completed','running','completed','1.8',1800000000,'credits','credits','charged',0,'reply',NULL,NULL);
INSERT INTO event VALUES(58,1795837375593,1,7,1,'amount',NULL,NULL,'1.98',1980000000,'credits','reservation','released',0,NULL,NULL,NULL);
INSERT INTO event VALUES(59,1795837375607,1,8,1,'completed','running','completed','1.8',1800000000,'credits','credits','charged',0,'reply',NULL,NULL);
INSERT INTO event VALUES(60,1795837375607,1,8,1,'amount',NULL,NULL,'1.98',1980000000,'credits','reservation','released',0,NULL,NULL,NULL);
INSERT INTO event VALUES(61,1795837375616,1,6,1,'completed','running','completed','1.8',1800000000,'credits','credits','charged',0,'reply',NULL,NULL);
INSERT INTO event VALUES(62,1795837375616,1,6,1,'amount',NULL,NULL,'1.98',1980000000,'credits','reservation','released',0,NULL,NULL,NULL);
INSERT INTO event VALUES(63,1795837376056,1,NULL,NULL,'enrolled',NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,'manifest',NULL,'6 new, 8 unchanged, 0 changed, 0 removed, 0 restored');
INSERT INTO event VALUES(64,1795837376071,1,9,1,'intent','queued','queued','2.7',2700000000,'credits','reservation','reserved',0,NULL,NULL,'5a3sk4hewxysxl46vrd3del4');
INSERT INTO event VALUES(65,1795837376071,1,10,1,'intent','queued','queued','2.7',2700000000,'credits','reservation','reserved',0,NULL,NULL,'7k3xhydpzbn3e2ndaenhu5gx');
INSERT INTO event VALUES(66,1795837376071,1,11,1,'intent','queued','queued','2.7',2700000000,'credits','reservation','reserved',0,NULL,NULL,'3uai3jomqgadpyywxfwotdhl');
INSERT INTO event VALUES(67,1795837376095,1,9,1,'accepted','queued','queued','1.8',1800000000,'credits','estimated_credits','quoted',0,'reply',NULL,'task_01M8G3ZDJJP36CTZ3FKQT6NEPH');
INSERT INTO event VALUES(68,1795837376095,1,9,1,'amount',NULL,NULL,'2.7',2700000000,'credits','reservation','released',0,NULL,NULL,NULL);
INSERT INTO event VALUES(69,1795837376095,1,9,1,'amount',NULL,NULL,'1.98',1980000000,'credits','reservation','reserved',0,NULL,NULL,NULL);
INSERT INTO event VALUES(70,1795837376095,1,10,1,'accepted','queued','queued','1.8',1800000000,'credits','estimated_credits','quoted',0,'reply',NULL,'task_01M8G3ZDJWQGCTJNFNMF603QHD');
INSERT INTO event VALUES(71,1795837376095,1,10,1,'amount',NULL,NULL,'2.7',2700000000,'credits','reservation','released',0,NULL,NULL,NULL);
INSERT INTO event VALUES(72,1795837376095,1,10,1,'amount',NULL,NULL,'1.98',1980000000,'credits','reservation','reserved',0,NULL,NULL,NULL);
INSERT INTO event VALUES(73,1795837376097,1,11,1,'accepted','queued','queued','1.8',1800000000,'credits','estimated_credits','quoted',0,'reply',NULL,'task_01M8G3ZDJYA3VTDJ2XADSB19N1');
INSERT INTO event VALUES(74,1795837376097,1,11,1,'amount',NULL,NULL,'2.7',2700000000,'credits','reservation','released',0,NULL,NULL,NULL);
INSERT INTO event VALUES(75,1795837376097,1,11,1,'amount',NULL,NULL,'1.98',1980000000,'credits','reservation','reserved',0,NULL,NULL,NULL);
INSERT INTO event VALUES(76,1795837378080,1,10,1,'running','queued','running',NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL);
INSERT INTO event VALUES(77,1795837378080,1,9,1,'running','queued','running',NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL);
INSERT INTO event VALUES(78,1795837378084,1,11,1,'running','queued','running',NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL);
INSERT INTO event VALUES(79,1795837380218,1,NULL,NULL,'enrolled',NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,'manifest',NULL,'0 new, 14 unchanged, 0 changed, 0 removed, 0 restored');
INSERT INTO event VALUES(80,1795837380228,1,12,1,'intent','queued','queued','2.7',2700000000,'credits','reservation','reserved',0,NULL,NULL,'fd3ienzrdfq42u4zbhax7yuh');
INSERT INTO event VALUES(81,1795837380228,1,13,1,'intent','queued','queued','2.7',2700000000,'credits','reservation','reserved',0,NULL,NULL,'bfwl6eyv75gdl4yxt7s27qx4');
INSERT INTO event VALUES(82,1795837382241,1,12,1,'accepted','queued','queued','1.8',1800000000,'credits','estimated_credits','quoted',0,'reply',NULL,'task_01M8G3ZHM9ANFDZXQ43ZR9WJTY');
INSERT INTO event VALUES(83,1795837382241,1,12,1,'amount',NULL,NULL,'2.7',2700000000,'credits','reservation','released',0,NULL,NULL,NULL);
INSERT INTO event VALUES(84,1795837382241,1,12,1,'amount',NULL,NULL,'1.98',1980000000,'credits','reservation','reserved',0,NULL,NULL,NULL);
INSERT INTO event VALUES(85,1795837382242,1,13,1,'accepted','queued','queued','1.8',1800000000,'credits','estimated_credits','quoted',0,'reply',NULL,'task_01M8G3ZHMDCB0VHY7Z9JE9FGJN');
INSERT INTO event VALUES(86,1795837382242,1,13,1,'amount',NULL,NULL,'2.7',2700000000,'credits','reservation','released',0,NULL,NULL,NULL);
INSERT INTO event VALUES(87,1795837382242,1,13,1,'amount',NULL,NULL,'1.98',1980000000,'credits','reservation','reserved',0,NULL,NULL,NULL);
INSERT INTO event VALUES(88,1795837394153,1,14,NULL,'withdrawn','queued','cancelled',NULL,NULL,NULL,NULL,NULL,0,'user','cancelled',NULL);
INSERT INTO event VALUES(89,1795837394376,1,NULL,NULL,'enrolled',NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,'manifest',NULL,'3 new, 14 unchanged, 0 changed, 0 removed, 0 restored');
INSERT INTO event VALUES(90,1795837394382,1,15,1,'intent','queued','queued','2.7',2700000000,'credits','reservation','reserved',0,NULL,NULL,'d7b6odywfy6have2rjnetwof');
INSERT INTO event VALUES(91,1795837394382,1,16,1,'intent','queued','queued','2.7',2700000000,'credits','reservation','reserved',0,NULL,NULL,'fl6waxetkhfoylnargb4jfnz');
INSERT INTO event VALUES(92,1795837394387,1,15,1,'uncertain','queued','queued',NULL,NULL,NULL,NULL,NULL,0,NULL,'broken','the service closed the connection without an answer');
INSERT INTO event VALUES(93,1795837394388,1,16,1,'uncertain','queued','queued',NULL,NULL,NULL,NULL,NULL,0,NULL,'broken','the service closed the connection without an answer');
INSERT INTO event VALUES(94,1795837396508,1,NULL,NULL,'enrolled',NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,'manifest',NULL,'0 new, 17 unchanged, 0 changed, 0 removed, 0 restored');
INSERT INTO event VALUES(95,1795837396516,1,17,1,'intent','queued','queued','2.7',2700000000,'credits','reservation','reserved',0,NULL,NULL,'hamy6xyflgdvo6y72w63x63z');
CREATE TABLE command (
    id INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('cancel', 'retry', 'pause', 'unpause', 'concurrency')),
    task INTEGER REFERENCES task_standing (id),
    attempt INTEGER,                     -- the number that the user saw: another one is left alone
    batch_id INTEGER REFERENCES batch (id), -- pause, unpause: its tasks; NULL: all
    model TEXT CHECK (model <> ''),      -- pause, unpause, concurrency: its tasks; NULL: all
    is_insisted INTEGER NOT NULL DEFAULT 0 CHECK (is_insisted IN (0, 1)), -- cancel what may be charged, retake what is paid
    new_seed INTEGER,                    -- retry: of the next attempt; NULL: as before
    tasks_in_flight INTEGER CHECK (tasks_in_flight >= 1), -- concurrency; NULL: as the run's own options say
    ended_at_ms INTEGER,                 -- NULL: still to be carried out
    outcome TEXT CHECK (outcome <> ''),
    message TEXT,
    CONSTRAINT task_orders_name_an_attempt
        CHECK ((kind IN ('cancel', 'retry')) = (task IS NOT NULL) AND (task IS NULL) = (attempt IS NULL)),
    CONSTRAINT only_retries_have_a_seed CHECK (new_seed IS NULL OR kind = 'retry'),
    CONSTRAINT one_scope CHECK (batch_id IS NULL OR model IS NULL),
    CONSTRAINT only_limits_have_a_number CHECK (tasks_in_flight IS NULL OR kind = 'concurrency'),
    CONSTRAINT an_end_has_an_outcome CHECK ((ended_at_ms IS NULL) = (outcome IS NULL))
) STRICT;
CREATE TABLE key_trust (
    base_url TEXT NOT NULL,
    key_fingerprint TEXT NOT NULL,
    dialect TEXT NOT NULL CHECK (dialect IN ('flat', 'params')),
    trust TEXT NOT NULL CHECK (trust IN ('unknown', 'honoured', 'ignored')),
    evidence TEXT NOT NULL,              -- echo, query_found, query_not_found
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (base_url, key_fingerprint, dialect)
) STRICT, WITHOUT ROWID;
INSERT INTO key_trust VALUES('http://127.0.0.1:18080','45135a6ff67b','flat','honoured','query_found',1795837364989);
CREATE TABLE price_seen (
    model TEXT NOT NULL,
    resolution TEXT NOT NULL,            -- '': not stated
    lowest_per_second_nano INTEGER NOT NULL CHECK (lowest_per_second_nano >= 0),
    highest_per_second_nano INTEGER NOT NULL CHECK (highest_per_second_nano >= lowest_per_second_nano),
    highest_quote_per_second_nano INTEGER NOT NULL DEFAULT 0, -- of those that were charged; 0: none was quoted
    at_ms INTEGER NOT NULL,              -- of the latest bill
    PRIMARY KEY (model, resolution)
) STRICT, WITHOUT ROWID;
INSERT INTO price_seen VALUES('sora-2-pro','720p',450000000,450000000,450000000,1795837375616);
CREATE TRIGGER batch_gets_total AFTER INSERT ON batch BEGIN
    INSERT INTO batch_total (batch_id) VALUES (NEW.id);
END;
CREATE INDEX task_waiting ON task_standing (batch_id, model, priority DESC, id) WHERE state = 'queued' AND has_key = 0;
CREATE INDEX attempt_unfinished ON attempt (batch_id, task, n) WHERE is_open OR is_unsaved OR is_cost_awaited;
CREATE INDEX attempt_cost_unknown ON attempt (batch_id) WHERE settled_at_ms IS NOT NULL AND credits_nano IS NULL;
CREATE TRIGGER attempt_opened AFTER INSERT ON attempt BEGIN
    UPDATE batch_total SET
        settled_whole = settled_whole + coalesce(NEW.credits_nano, 0) / 1000000000,
        settled_billionths = settled_billionths + coalesce(NEW.credits_nano, 0) % 1000000000,
        reserved_whole = reserved_whole + coalesce(NEW.reserved_nano, 0) / 1000000000,
        reserved_billionths = reserved_billionths + coalesce(NEW.reserved_nano, 0) % 1000000000,
        first_submitted_at_ms = min(coalesce(first_submitted_at_ms, NEW.submitted_at_ms), NEW.submitted_at_ms)
    WHERE batch_id = NEW.batch_id;
END;
CREATE TRIGGER attempt_money_moved AFTER UPDATE OF credits_nano, reserved_nano, settled_at_ms ON attempt
WHEN NEW.credits_nano IS NOT OLD.credits_nano OR NEW.reserved_nano IS NOT OLD.reserved_nano
    OR NEW.settled_at_ms IS NOT OLD.settled_at_ms
BEGIN
    UPDATE batch_total SET
        settled_whole = settled_whole
            + coalesce(NEW.credits_nano, 0) / 1000000000 - coalesce(OLD.credits_nano, 0) / 1000000000,
        settled_billionths = settled_billionths
            + coalesce(NEW.credits_nano, 0) % 1000000000 - coalesce(OLD.credits_nano, 0) % 1000000000,
        reserved_whole = reserved_whole
            + coalesce(NEW.reserved_nano, 0) / 1000000000 - coalesce(OLD.reserved_nano, 0) / 1000000000,
        reserved_billionths = reserved_billionths
            + coalesce(NEW.reserved_nano, 0) % 1000000000 - coalesce(OLD.reserved_nano, 0) % 1000000000,
        last_settled_at_ms = CASE WHEN NEW.settled_at_ms IS NULL THEN last_settled_at_ms
            ELSE max(coalesce(last_settled_at_ms, NEW.settled_at_ms), NEW.settled_at_ms) END
    WHERE batch_id = NEW.batch_id;
END;
CREATE INDEX event_of_task ON event (task, id) WHERE task IS NOT NULL;
CREATE TRIGGER event_is_never_changed BEFORE UPDATE ON event BEGIN
    SELECT raise(ABORT, 'the log is append-only');
END;
CREATE TRIGGER event_is_never_deleted BEFORE DELETE ON event BEGIN
    SELECT raise(ABORT, 'the log is append-only');
END;
CREATE INDEX command_open ON command (id) WHERE ended_at_ms IS NULL;
CREATE INDEX command_lasting ON command (id) WHERE task IS NULL;
CREATE TRIGGER command_ends_once BEFORE UPDATE ON command WHEN OLD.ended_at_ms IS NOT NULL BEGIN
    SELECT raise(ABORT, 'a command ends once');
END;
CREATE TRIGGER command_is_never_deleted BEFORE DELETE ON command BEGIN
    SELECT raise(ABORT, 'commands are kept');
END;
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
-- Outer joins keep the narrow table first, whatever is asked.
FROM task_standing AS s
LEFT JOIN task_input AS i ON i.id = s.id
LEFT JOIN attempt AS a ON a.task = s.id AND a.n = s.attempt AND s.has_key = 1
;
COMMIT;
