-- The simulator's store. Personal values stand in no column in clear: `facts` holds keyed hashes,
-- `body` is sealed. Times are milliseconds since 1970 in UTC.

CREATE TABLE IF NOT EXISTS enterprises (
    code TEXT PRIMARY KEY,
    credit_code TEXT NOT NULL,
    name TEXT NOT NULL,
    dxp_id TEXT NOT NULL,
    certificate BLOB NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

-- How often a steered thing has happened to its subject, so that a restart neither repeats nor skips it.
CREATE TABLE IF NOT EXISTS marks (name TEXT PRIMARY KEY, times INTEGER NOT NULL) STRICT;

-- One row a business key: the newest version that was taken. Earlier ones stand in the ledger.
CREATE TABLE IF NOT EXISTS documents (
    id INTEGER PRIMARY KEY,
    type TEXT NOT NULL,
    key TEXT NOT NULL,
    guid TEXT NOT NULL,
    app_time TEXT NOT NULL,
    state TEXT NOT NULL,        -- living | returned
    status TEXT NOT NULL,       -- the newest returnStatus given
    waits_for TEXT NOT NULL,    -- partners | parcel | empty
    receiver TEXT NOT NULL,     -- dxpId that hears the receipts
    order_key TEXT,
    parcel_key TEXT,
    echo TEXT NOT NULL,         -- what receipts repeat
    facts TEXT NOT NULL,        -- what the matching compares
    scenarios TEXT NOT NULL,
    last_time INTEGER NOT NULL, -- returnTime of the newest entry
    message_id TEXT NOT NULL,
    message_digest TEXT NOT NULL,
    digest TEXT NOT NULL,
    UNIQUE (type, key)
) STRICT;
CREATE INDEX IF NOT EXISTS documents_order ON documents (order_key);
CREATE INDEX IF NOT EXISTS documents_parcel ON documents (parcel_key);

-- Rows of arrivals (CEB711): a parcel is on the site once its arrival is accepted.
CREATE TABLE IF NOT EXISTS parcels (
    parcel_key TEXT NOT NULL,
    bill_no TEXT NOT NULL,
    arrival INTEGER NOT NULL,
    PRIMARY KEY (parcel_key, bill_no, arrival)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS parcels_arrival ON parcels (arrival);

-- What is to happen to a document next, and when.
CREATE TABLE IF NOT EXISTS steps (
    id INTEGER PRIMARY KEY,
    due INTEGER NOT NULL,
    document INTEGER NOT NULL,
    name TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS steps_due ON steps (due);
CREATE INDEX IF NOT EXISTS steps_document ON steps (document);

-- Receipt entries that are in no message yet. `due` is null while an entry is held back for another.
CREATE TABLE IF NOT EXISTS entries (
    id INTEGER PRIMARY KEY,
    due INTEGER,
    document INTEGER,
    after TEXT NOT NULL,
    receiver TEXT NOT NULL,
    type TEXT NOT NULL,
    content TEXT NOT NULL,
    copies INTEGER NOT NULL,
    alone INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS entries_due ON entries (due) WHERE due IS NOT NULL;
CREATE INDEX IF NOT EXISTS entries_held ON entries (document) WHERE due IS NULL;

-- Receipt messages until they are answered with 200, in the order in which they go.
CREATE TABLE IF NOT EXISTS receipts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id TEXT NOT NULL,
    receiver TEXT NOT NULL,
    type TEXT NOT NULL,
    copies INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS receipts_receiver ON receipts (receiver, id);

CREATE TABLE IF NOT EXISTS ledger (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    type TEXT NOT NULL,
    key TEXT NOT NULL,
    guid TEXT NOT NULL,
    app_type TEXT NOT NULL,
    message_id TEXT NOT NULL,
    message_digest TEXT NOT NULL,
    document_digest TEXT NOT NULL,
    verdict TEXT NOT NULL,
    status TEXT NOT NULL
) STRICT;
