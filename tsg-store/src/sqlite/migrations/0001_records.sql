-- One table of records under (kind, account, id), as the port asks for. Ids are compared bytewise
-- (BINARY is the default collation). Rows stand in the order in which they came, so that the
-- commits of many groups share pages; sorted by key they would dirty more than twice as many.
CREATE TABLE records (
    kind     TEXT    NOT NULL,
    account  BLOB    NOT NULL CHECK (length(account) = 16),
    id       TEXT    NOT NULL,
    revision INTEGER NOT NULL,
    value    BLOB    NOT NULL,
    PRIMARY KEY (kind, account, id)
) STRICT;

-- For the change feed.
CREATE INDEX records_by_revision ON records (revision);

-- Keys that are gone, as long as the change feed remembers them.
CREATE TABLE tombstones (
    kind     TEXT    NOT NULL,
    account  BLOB    NOT NULL CHECK (length(account) = 16),
    id       TEXT    NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (kind, account, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX tombstones_by_revision ON tombstones (revision);

-- A lease stays when its holder (NULL: nobody) has gone, so that its epoch can only grow.
CREATE TABLE leases (
    name           TEXT    NOT NULL PRIMARY KEY,
    holder         TEXT,
    epoch          INTEGER NOT NULL,
    expires_at_ms  INTEGER NOT NULL,
    term_ms        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One row: the newest revision, the newest delete that the feed has forgotten, and what the file
-- was called when it was made.
CREATE TABLE meta (
    singleton   INTEGER NOT NULL PRIMARY KEY CHECK (singleton = 1),
    revision    INTEGER NOT NULL,
    forgotten   INTEGER NOT NULL,
    incarnation BLOB    NOT NULL CHECK (length(incarnation) = 16)
) STRICT;

INSERT INTO meta VALUES (1, 0, 0, randomblob(16));

PRAGMA application_id = 0x54534773;
PRAGMA user_version = 1;
