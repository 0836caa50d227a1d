/**
 * The tables of a ledger. Text is compared by its UTF-8 bytes. `runs`: the run in progress or ended last, and a few before it; `files`: how
 * both sides list a file whose copy is known to be equal, and the run that copied it; `failures`: every name that failed and still does;
 * `extras`: what the delete pass is about to delete.
 */
export const TABLES = `
CREATE TABLE runs (
  id INTEGER PRIMARY KEY,
  places TEXT NOT NULL,
  source TEXT NOT NULL,
  target TEXT NOT NULL,
  plan TEXT NOT NULL,
  pass TEXT NOT NULL,
  checkpoint TEXT,
  counts TEXT NOT NULL,
  total TEXT,
  left_out INTEGER NOT NULL DEFAULT 0,
  held_back TEXT,
  rates TEXT,
  begun_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  finished_ms INTEGER
);
CREATE TABLE files (
  name TEXT PRIMARY KEY,
  source TEXT NOT NULL,
  target TEXT NOT NULL,
  run INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE failures (
  name TEXT PRIMARY KEY,
  pass TEXT NOT NULL,
  code TEXT NOT NULL,
  message TEXT NOT NULL,
  is_refused INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  failed_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE extras (name TEXT PRIMARY KEY, etag TEXT) WITHOUT ROWID`
