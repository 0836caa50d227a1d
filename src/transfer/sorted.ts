import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compareKeys } from '../core/key-order.ts'
import type { Entry } from '../storage/types.ts'
import type { Item } from './item.ts'
import { JsonLinesWriter, linesOf } from './json-lines.ts'
import { type Keyed, mergeSorted } from './merge.ts'

/** Number of items that are sorted in memory at a time. */
const RUN = 50_000

/** Compares two items by their keys; equal keys by their names. */
export function compareItems(a: Item, b: Item): number {
  return compareKeys(a.key, b.key) || compareKeys(a.name, b.name)
}

/** Returns items in the order of their keys. More than 50,000 are sorted in parts, which are stored in temporary files. */
export async function* sorted(items: AsyncIterable<Item>, length: number = RUN): AsyncGenerator<Item> {
  const paths: string[] = []
  let folder: string | undefined
  let run: Item[] = []
  try {
    for await (const item of items) {
      if (run.length === length) {
        folder ??= await mkdtemp(join(tmpdir(), 'holdall-sync-'))
        paths.push(spill(run, join(folder, `${paths.length}.jsonl`)))
        run = []
      }
      run.push(item)
    }
    run.sort(compareItems)
    if (paths.length === 0) return yield* run
    const runs = [...paths.map(spilled), inOrder(run)]
    for await (const same of mergeSorted<Item>(runs)) {
      const alike = same.flat()
      yield* alike.sort(compareItems)
    }
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true })
  }
}

function spill(run: Item[], path: string): string {
  const writer = new JsonLinesWriter(path)
  try {
    for (const item of run.sort(compareItems)) writer.write(JSON.stringify(item))
  } finally {
    writer.close()
  }
  return path
}

async function* inOrder(items: readonly Item[]): AsyncGenerator<Item> {
  yield* items
}

async function* spilled(path: string): AsyncGenerator<Item> {
  for await (const line of linesOf(path)) yield revived(JSON.parse(line) as Item)
}

const TIMES: ReadonlySet<string> = new Set<keyof Entry>(['modifiedAt', 'createdAt', 'accessedAt'])

/** JSON has neither dates nor NaN. */
function revived(item: Item & Keyed): Item {
  const fields = Object.entries(item.entry).map(([name, value]) => [
    name,
    TIMES.has(name) && typeof value === 'string' ? new Date(value) : value,
  ])
  const entry = Object.fromEntries(fields) as Entry
  return { ...item, entry: entry.size === null ? { ...entry, size: Number.NaN } : entry }
}
