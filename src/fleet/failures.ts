import type { Sql } from './postgres.ts'
import type { Stage } from './stages.ts'
import { digestOfTexts, escaped, unescaped } from './texts.ts'

/** A failure of a file. */
export interface Failure {
  readonly name: string
  readonly code: string
  readonly message: string
  /** Whether the target cannot have a file of this name, or not beside another one: another attempt changes nothing. */
  readonly isRefused: boolean
}

/** A failed file in the ledger. */
export interface FailedFile extends Failure {
  /** Number of times that it failed. */
  readonly attempts: number
}

/** Maximum number of characters of a message in the ledger. */
const MAX_MESSAGE = 1000

/**
 * Names the failed files of a page. What the verify pass reports does not replace the reason why the copy of a file failed. A difference
 * that remains after another copy is a failure of that copy.
 */
export async function addFailures(
  sql: Sql,
  migration: string,
  stage: Stage,
  failures: readonly Failure[],
): Promise<void> {
  if (failures.length === 0) return
  const onConflict =
    stage === 'verify'
      ? 'DO NOTHING'
      : `DO UPDATE SET code = excluded.code, message = excluded.message, stage = excluded.stage,
           refused = excluded.refused, attempts = f.attempts + 1`
  await sql.query(
    `INSERT INTO holdall_fleet.failures AS f (migration, digest, name, code, message, refused, stage)
     SELECT $1, r.digest, r.name, r.code, r.message, r.refused, $2
     FROM unnest($3::bytea[], $4::text[], $5::text[], $6::text[], $7::boolean[]) AS r (digest, name, code, message, refused)
     ON CONFLICT (migration, digest) ${onConflict}`,
    [
      migration,
      stage === 'verify' || stage === 'delete' ? stage : 'copy',
      failures.map(({ name }) => digestOfTexts(name)),
      failures.map(({ name }) => escaped(name)),
      failures.map(({ code }) => code),
      failures.map(({ message }) => escaped(message.slice(0, MAX_MESSAGE))),
      failures.map(({ isRefused }) => isRefused),
    ],
  )
}

/** Removes files that are at the target now. */
export async function removeFailures(sql: Sql, migration: string, names: readonly string[]): Promise<void> {
  if (names.length === 0) return
  await sql.query('DELETE FROM holdall_fleet.failures WHERE migration = $1 AND digest = ANY($2)', [
    migration,
    names.map(name => digestOfTexts(name)),
  ])
}

/** Failed files in the order of their digests, and where the next ones begin. */
export interface FailurePage {
  readonly files: readonly FailedFile[]
  readonly last: string | undefined
}

/** Returns the failed files behind a position; `where` is a condition about their rows. */
export async function failuresAfter(
  sql: Sql,
  migration: string,
  after: string | undefined,
  limit: number,
  where = 'true',
): Promise<FailurePage> {
  const rows = await sql.query<FailedFile & { readonly digest: string }>(
    `SELECT name, code, message, refused AS "isRefused", attempts, encode(digest, 'hex') AS digest FROM holdall_fleet.failures
     WHERE migration = $1 AND digest > decode($2, 'hex') AND ${where} ORDER BY digest LIMIT $3`,
    [migration, after ?? '', limit],
  )
  const files = rows.map(({ name, code, message, isRefused, attempts }) => ({
    name: unescaped(name),
    code,
    message: unescaped(message),
    isRefused,
    attempts,
  }))
  return { files, last: rows.at(-1)?.digest }
}
