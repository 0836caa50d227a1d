import { statSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import type { LocalStorage } from '../backends/local/index.ts'
import { isStorageError } from '../core/errors.ts'
import type { AnyStorage } from '../storage/storage.ts'
import { type CliContext, UsageError } from './context.ts'
import { printable } from './output.ts'
import { hasAlias } from './target.ts'

/** The files that are served under one label. */
export interface ServedPlace {
  readonly label: string
  readonly storage: AnyStorage
  /** Folder of the storage; '' for the whole storage. */
  readonly path: string
  /** Path of the signed URLs that this server answers, for its own storage. */
  readonly mediaPath?: string
}

/** Makes a storage of a folder of this machine. */
export type OpenFolder = (location: string, mediaPath: string) => Promise<LocalStorage>

/** Whether a text names a folder of this machine, not a place in a configured storage; any other text is an error. */
export function isFolder(text: string): boolean {
  if (hasAlias(text)) return false
  const stats = statSync(text, { throwIfNoEntry: false })
  if (stats?.isDirectory()) return true
  if (stats !== undefined) throw new UsageError(`serve: '${text}' is not a folder.`)
  const hint = /^[\w.-]+$/.test(text) ? `; a storage of the configuration is written '${text}:'` : ''
  throw new Error(`'${text}' does not exist${hint}.`)
}

/** Returns the places of a command line: folders of this machine, and storages of the configuration, with or without a path. */
export async function servedPlaces(
  context: CliContext,
  texts: readonly string[],
  openFolder: OpenFolder,
): Promise<ServedPlace[]> {
  const places: ServedPlace[] = []
  for (const text of texts) {
    if (isFolder(text)) {
      const label = freeLabel(basename(resolve(text)) || 'files', places)
      const mediaPath = texts.length === 1 ? '/media/' : `/media/${encodeURIComponent(label)}/`
      places.push({ label, storage: await openFolder(text, mediaPath), path: '', mediaPath })
    } else {
      const { alias, path, storage } = await context.target(text)
      if (path !== '') await expectFolder(context, storage, path, text)
      places.push({ label: freeLabel(path === '' ? alias : `${alias}:${path}`, places), storage, path })
    }
  }
  return places
}

/** Reports the error before the page is opened: a file cannot be browsed. A service that cannot be reached now may be reached later. */
async function expectFolder(context: CliContext, storage: AnyStorage, path: string, text: string): Promise<void> {
  const stat = await storage.stat(path, { signal: context.signal }).catch((error: unknown) => {
    if (isStorageError(error)) return undefined
    throw error
  })
  if (stat !== undefined && !stat.isDirectory) throw new UsageError(`serve: '${printable(text)}' is not a folder.`)
}

function freeLabel(label: string, places: readonly ServedPlace[]): string {
  const isTaken = (text: string) => places.some(place => place.label === text)
  let free = label
  for (let number = 2; isTaken(free); number++) free = `${label} (${number})`
  return free
}
