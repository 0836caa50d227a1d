import type { Dir, Dirent } from 'node:fs'
import { opendir } from 'node:fs/promises'
import { join } from 'node:path'
import { unless } from '../../core/errno.ts'
import { Anchor } from './anchor.ts'
import { isHidden } from './hidden.ts'
import type { Root } from './paths.ts'

/** Entries that are looked at together. */
const BATCH = 32
/** What opening a folder says when it is none any more. */
const GONE: readonly string[] = ['ENOENT', 'ENOTDIR', 'ELOOP']

/** Some entries of one folder, which is held open until the next ones are asked for. */
export interface Batch {
  readonly anchor: Anchor
  /** What the keys of the entries begin with. */
  readonly prefix: string
  readonly entries: readonly Dirent[]
}

interface Level {
  readonly anchor: Anchor
  readonly prefix: string
  readonly dir: Dir
}

/**
 * Goes through a folder in the file system's order, without links and without what is hidden; `recursive` goes into folders instead of
 * giving them. One folder per level is open at a time, and however deep it is, no call is nested.
 */
export async function* walk(root: Root, prefix: string, recursive: boolean): AsyncGenerator<Batch, void, undefined> {
  const levels: Level[] = []
  const enter = async (anchor: Anchor | undefined, below: string): Promise<void> => {
    if (anchor === undefined) return
    const dir = await unless(GONE, opendir(anchor.path, { bufferSize: 256 })).catch(error => {
      anchor.release()
      throw error
    })
    if (dir === undefined) anchor.release()
    else levels.push({ anchor, prefix: below, dir })
  }
  try {
    await enter(await unless(GONE, root.folder(prefix)), prefix)
    for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
      const { entries, folder, isOver } = await readSome(level.dir, recursive)
      if (entries.length > 0) yield { anchor: level.anchor, prefix: level.prefix, entries }
      if (isOver) await leave(levels.pop()!)
      if (folder === undefined) continue
      const path = join(level.anchor.path, folder)
      await enter(await unless(GONE, Anchor.at(path, { folder: true, follow: false })), `${level.prefix}${folder}/`)
    }
  } finally {
    for (const level of levels) await leave(level)
  }
}

async function leave({ anchor, dir }: Level): Promise<void> {
  anchor.release()
  await dir.close()
}

/** The next entries, up to a folder that is to be entered. */
async function readSome(
  dir: Dir,
  recursive: boolean,
): Promise<{ entries: Dirent[]; folder?: string; isOver?: boolean }> {
  const entries: Dirent[] = []
  while (entries.length < BATCH) {
    const entry = await dir.read()
    if (entry === null) return { entries, isOver: true }
    if (isHidden(entry.name)) continue
    if (recursive && entry.isDirectory()) return { entries, folder: entry.name }
    entries.push(entry)
  }
  return { entries }
}
