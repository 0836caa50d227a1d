import { StorageError } from '../core/errors.ts'
import type { Database } from './postgres.ts'

/** Version of the tables. */
const VERSION = 1
/** Key of the advisory lock under which they are created. */
const LOCK = 4_711_202_611

/**
 * Texts from names are escaped as in JSON, since PostgreSQL refuses NUL. Names are found by their SHA-256, since an index refuses long
 * values.
 */
const TABLES = `
CREATE SCHEMA IF NOT EXISTS holdall_fleet;
CREATE TABLE IF NOT EXISTS holdall_fleet.version (version integer NOT NULL);
CREATE TABLE holdall_fleet.migrations (
  id uuid PRIMARY KEY,
  places bytea NOT NULL,
  source text NOT NULL,
  target text NOT NULL,
  plan text NOT NULL,
  stage text NOT NULL,
  round integer NOT NULL DEFAULT 0,
  state text NOT NULL,
  held_back text,
  left_out boolean NOT NULL DEFAULT false,
  begun_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz,
  open bigint NOT NULL DEFAULT 0,
  lost bigint NOT NULL DEFAULT 0,
  listed bigint NOT NULL DEFAULT 0,
  listed_bytes bigint NOT NULL DEFAULT 0,
  seen bigint NOT NULL DEFAULT 0,
  copied bigint NOT NULL DEFAULT 0,
  unchanged bigint NOT NULL DEFAULT 0,
  skipped bigint NOT NULL DEFAULT 0,
  verified bigint NOT NULL DEFAULT 0,
  different bigint NOT NULL DEFAULT 0,
  compared bigint NOT NULL DEFAULT 0,
  extra bigint NOT NULL DEFAULT 0,
  deleted bigint NOT NULL DEFAULT 0,
  bytes bigint NOT NULL DEFAULT 0,
  at_target bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
CREATE UNIQUE INDEX migrations_running ON holdall_fleet.migrations (places) WHERE state = 'running';
CREATE TABLE holdall_fleet.ranges (
  id uuid PRIMARY KEY,
  migration uuid NOT NULL,
  stage text NOT NULL,
  job uuid NOT NULL,
  after text,
  until text,
  token text,
  state text NOT NULL DEFAULT 'open',
  error text
);
CREATE INDEX ranges_migration ON holdall_fleet.ranges (migration);
CREATE INDEX ranges_job ON holdall_fleet.ranges (job);
CREATE TABLE holdall_fleet.pages (
  id uuid PRIMARY KEY,
  migration uuid NOT NULL,
  stage text NOT NULL,
  items bytea NOT NULL,
  size integer NOT NULL,
  first text NOT NULL,
  last text NOT NULL,
  state text NOT NULL,
  attempt integer NOT NULL DEFAULT -1,
  lease uuid,
  worker text,
  error text
);
ALTER TABLE holdall_fleet.pages ALTER COLUMN items SET STORAGE EXTERNAL;
CREATE INDEX pages_waiting ON holdall_fleet.pages (id) WHERE state = 'waiting';
CREATE INDEX pages_lease ON holdall_fleet.pages (lease) WHERE lease IS NOT NULL;
CREATE INDEX pages_migration ON holdall_fleet.pages (migration, state);
CREATE TABLE holdall_fleet.failures (
  migration uuid NOT NULL,
  digest bytea NOT NULL,
  name text NOT NULL,
  code text NOT NULL,
  message text NOT NULL,
  stage text NOT NULL,
  refused boolean NOT NULL,
  attempts integer NOT NULL DEFAULT 1,
  PRIMARY KEY (migration, digest)
);
CREATE TABLE holdall_fleet.workers (
  migration uuid NOT NULL,
  name text NOT NULL,
  seen_at timestamptz NOT NULL,
  files bigint NOT NULL,
  bytes bigint NOT NULL,
  files_per_sec double precision NOT NULL,
  bytes_per_sec double precision NOT NULL,
  slowed_to double precision,
  error text,
  PRIMARY KEY (migration, name)
) WITH (fillfactor = 50);
INSERT INTO holdall_fleet.version VALUES (${VERSION});
`

/** Creates the tables if they are missing. `unsupported`: another version of Holdall has made them. */
export async function createTables(database: Database): Promise<void> {
  if ((await versionOf(database)) === VERSION) return
  await database.transaction(async sql => {
    await sql.query(`SELECT pg_advisory_xact_lock(${LOCK})`)
    // to_regclass() may remember from before the lock that there are no tables.
    const [found] = await sql.query(
      `SELECT 1 FROM pg_catalog.pg_tables WHERE schemaname = 'holdall_fleet' AND tablename = 'migrations'`,
    )
    if (found === undefined) await sql.query(TABLES)
  })
  const version = await versionOf(database)
  if (version === VERSION) return
  const text = `The tables in schema holdall_fleet have version ${version}; this version of Holdall has ${VERSION}.`
  throw new StorageError('unsupported', text, { operation: 'fleet' })
}

async function versionOf(database: Database): Promise<number | undefined> {
  const [found] = await database.query<{ name: string | null }>(`SELECT to_regclass('holdall_fleet.version') AS name`)
  if (found?.name == null) return undefined
  const [row] = await database.query<{ version: number }>('SELECT version FROM holdall_fleet.version')
  return row?.version
}
