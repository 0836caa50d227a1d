import { randomUUID } from 'node:crypto'
import type { Pair } from '../transfer/migrate/pairs.ts'
import { storedNames, storedPairs } from './pages.ts'
import type { Sql } from './postgres.ts'
import type { JobQueue } from './queue.ts'
import { ORIGINS, type Stage } from './stages.ts'
import { escaped } from './texts.ts'
import type { Work } from './work.ts'

/** A page to be stored. */
export interface NewPage {
  readonly items: Buffer
  readonly size: number
  readonly first: string
  readonly last: string
}

/** Divides pairs into pages. */
export function pagesOf(pairs: readonly Pair[], stage: Stage, { plan, places }: Work): readonly NewPage[] {
  const pages: NewPage[] = []
  for (let at = 0; at < pairs.length; at += plan.pageSize) {
    const part = pairs.slice(at, at + plan.pageSize)
    const items = ORIGINS[stage] === 'failures' ? storedNames(part.map(({ key }) => key)) : storedPairs(part, places)
    pages.push({ items, size: part.length, first: part[0]!.key, last: part.at(-1)!.key })
  }
  return pages
}

/** Stores pages with their jobs. */
export async function insertPages(
  sql: Sql,
  queue: JobQueue,
  migration: string,
  stage: Stage,
  pages: readonly NewPage[],
): Promise<void> {
  if (pages.length === 0) return
  const ids = pages.map(() => randomUUID())
  await sql.query(
    `INSERT INTO holdall_fleet.pages (id, migration, stage, items, size, first, last, state)
     SELECT p.id, $2, $3, p.items, p.size, p.first, p.last, 'waiting'
     FROM unnest($1::uuid[], $4::bytea[], $5::integer[], $6::text[], $7::text[]) AS p (id, items, size, first, last)`,
    [
      ids,
      migration,
      stage,
      pages.map(({ items }) => items),
      pages.map(({ size }) => size),
      pages.map(({ first }) => escaped(first)),
      pages.map(({ last }) => escaped(last)),
    ],
  )
  await queue.send(sql, 'pages', migration, ids)
}
