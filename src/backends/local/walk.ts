import type { Dir, Dirent } from 'node:fs'
import { opendir } from 'node:fs/promises'
import { join } from 'node:path'
import { isExhaustion, unless } from '../../core/errno.ts'
import { Anchor } from './anchor.ts'
import { isHidden } from './hidden.ts'
import { NOT_UTF8, type OddItems } from './odd-items.ts'
import type { Root } from './root.ts'

/** Entries that are looked at together. */
const BATCH = 32
/** Folders on the way to the current one that are held open; those above them are found again on the way back. */
const MAX_HELD = 16
/** Names of folders of one folder that wait in memory; where there are more, that folder is read on afterwards. */
const MAX_WAITING = 4096
/** What opening a folder says when it is none any more. */
const GONE: readonly string[] = ['ENOENT', 'ENOTDIR', 'ELOOP']

/** Some entries of one folder, which is held open until the next ones are asked for. */
export interface Batch {
  readonly anchor: Anchor
  /** Real path of the storage's folder. */
  readonly root: string | undefined
  /** What the keys of the entries begin with. */
  readonly prefix: string
  readonly entries: readonly Dirent[]
}

/** How a tree is gone through. */
export interface WalkOptions {
  /** Whether folders are gone into instead of given. */
  readonly recursive: boolean
  /** Whether what is hidden is given, and nothing else; then every folder gives a batch, if an empty one. */
  readonly hidden?: boolean
  readonly odd: OddItems
}

interface Level {
  readonly prefix: string
  /** Undefined while the folder is closed because it is far above the current one. */
  anchor: Anchor | undefined
  identity: string | undefined
  /** Undefined when all of the folder was read. */
  dir: Dir | undefined
  /** Folders that were found and not gone into. */
  readonly waiting: string[]
  /** Names with U+FFFD: the system's names that are not UTF-8 are read as such too, and may be read as the name of another file. */
  readonly replaced: Set<string>
}

const REPLACEMENT = '\ufffd'

/**
 * Goes through a folder in the file system's order, without links. The files of a folder come before those of its folders, whose names wait in
 * memory; so a folder need not stay open while those below it are read. However deep the tree is, the first folder and `MAX_HELD` others are
 * held at most, besides those with more than `MAX_WAITING` folders. A folder that was closed is opened again from the one below it, and
 * only if it is the same: where it was moved away the rest of it is left out. No call is nested.
 */
export async function* walk(root: Root, prefix: string, options: WalkOptions): AsyncGenerator<Batch, void, undefined> {
  const { odd } = options
  const levels: Level[] = []
  const enter = async (anchor: Anchor | undefined, below: string): Promise<void> => {
    if (anchor === undefined) return
    const dir = await unless(GONE, opendir(anchor.path, { bufferSize: 256 })).catch(error => {
      anchor.release()
      throw error
    })
    if (dir === undefined) return anchor.release()
    levels.push({ anchor, identity: undefined, prefix: below, dir, waiting: [], replaced: new Set() })
    const far = levels[levels.length - 1 - MAX_HELD]
    if (far !== undefined && far !== levels[0]) suspend(far)
  }
  const enterChild = async (parent: Anchor, name: string, below: string): Promise<void> => {
    try {
      const anchor = await unless(GONE, Anchor.at(join(parent.path, name), { folder: true, follow: false }))
      if (anchor === undefined && name.includes(REPLACEMENT)) odd.report(below, NOT_UTF8)
      await enter(anchor, below)
    } catch (error) {
      odd.report(below, error)
    }
  }
  try {
    const first = await unless(GONE, root.folder(prefix))
    await enter(first?.folder, prefix)
    for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
      const { anchor, dir, waiting } = level
      if (anchor === undefined) {
        levels.pop()
        await leave(level)
        await resume(levels, undefined, odd)
        continue
      }
      if (dir !== undefined && waiting.length < MAX_WAITING) {
        const isFirst = levels.length === 1
        const { entries, isOver } = await readSome(level, dir, options).catch(error => {
          if (isFirst) throw error
          odd.report(level.prefix, error)
          return { entries: [], isOver: true }
        })
        if (isOver) {
          level.dir = undefined
          await dir.close()
        }
        if (entries.length > 0 || options.hidden) yield { anchor, root: first?.root, prefix: level.prefix, entries }
        continue
      }
      const folder = waiting.pop()
      if (folder === undefined) {
        levels.pop()
        await resume(levels, anchor, odd).finally(() => leave(level))
        continue
      }
      const below = `${level.prefix}${folder}/`
      if (!root.canHold(below)) odd.report(below, 'its path is longer than the system takes')
      else await enterChild(anchor, folder, below)
    }
  } finally {
    for (const level of levels) await leave(level)
  }
}

function suspend(level: Level): void {
  const identity = level.anchor?.identity()
  if (identity === undefined) return
  level.identity = identity
  level.anchor?.release()
  level.anchor = undefined
}

/** Opens a suspended folder again: as the parent of the one that was gone through, or by its names. */
async function resume(levels: readonly Level[], child: Anchor | undefined, odd: OddItems): Promise<void> {
  const level = levels.at(-1)
  const first = levels[0]
  if (level === undefined || first?.anchor === undefined || level.anchor !== undefined) return
  const byName = join(first.anchor.path, level.prefix.slice(first.prefix.length))
  // Not joined, which would take the last part away instead.
  for (const path of child === undefined ? [byName] : [`${child.path}/..`, byName]) {
    const found = await Anchor.at(path, { folder: true }).catch(error => {
      if (isExhaustion(error)) throw error
    })
    if (found === undefined) continue
    if (found.identity() === level.identity) {
      level.anchor = found
      return
    }
    found.release()
  }
  if (level.waiting.length > 0) odd.report(level.prefix, 'it was moved away while it was read')
}

async function leave({ anchor, dir }: Level): Promise<void> {
  anchor?.release()
  await dir?.close()
}

/** The next entries; folders that are to be gone into wait instead. */
async function readSome(
  { prefix, waiting, replaced }: Level,
  dir: Dir,
  { recursive, hidden = false, odd }: WalkOptions,
): Promise<{ entries: Dirent[]; isOver?: boolean }> {
  const entries: Dirent[] = []
  while (entries.length < BATCH && waiting.length < MAX_WAITING) {
    const entry = await dir.read()
    if (entry === null) return { entries, isOver: true }
    const { name } = entry
    if (isHidden(name) !== hidden && !entry.isDirectory()) continue
    if (name.includes(REPLACEMENT)) {
      if (replaced.has(name)) {
        odd.report(`${prefix}${name}`, NOT_UTF8)
        continue
      }
      replaced.add(name)
    }
    if (entry.isDirectory() && isHidden(name)) continue
    if (recursive && entry.isDirectory()) waiting.push(name)
    else entries.push(entry)
  }
  return { entries }
}
