/** A real server whose files lie on this disk, too. */
import { lstat, readdir, rm, utimes } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { expect, vi } from 'vitest'
import { isHidden } from '../../../src/core/hidden-names.ts'
import type { Storage } from '../../../src/storage/storage.ts'
import type { DriverConformanceOptions, StorageConformanceOptions } from '../../../src/testing/index.ts'
import type { PrivateDaemon } from '../../servers/private-daemon.ts'

/** What a storage of such a server may be told. */
export interface FileServerOptions {
  readonly location?: string | undefined
  readonly fileOverwrite?: boolean | undefined
  readonly poolSize?: number | undefined
  readonly maxAttempts?: number | undefined
  readonly timeoutSecs?: number | undefined
}

/** A running server and how a storage reaches it. */
export interface FileServer {
  readonly server: PrivateDaemon
  /** A storage of the user's files, or of a folder in them; the port is that of a proxy, where one is given. */
  storage(options?: FileServerOptions, port?: number): Storage
}

/** All names below the folder that the server keeps, those of temporary files too. */
export async function namesOnDisk({ files }: PrivateDaemon): Promise<string[]> {
  const entries = await readdir(files, { recursive: true, withFileTypes: true })
  return entries
    .filter(entry => !entry.isDirectory())
    .map(entry => relative(files, join(entry.parentPath, entry.name)))
    .sort()
}

/** All below a folder that the server keeps, with modes, owners and sizes. */
export async function treeOnDisk({ files }: PrivateDaemon, folder: string): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {}
  for (const name of (await readdir(join(files, folder), { recursive: true })).sort()) {
    const seen = await lstat(join(files, folder, name))
    const { mode, uid, gid, size } = seen
    found[name] = { mode: mode.toString(8), uid, gid, size: seen.isDirectory() ? undefined : size }
  }
  return found
}

/** The temporary files that were left behind. */
export async function leftBehind(server: PrivateDaemon): Promise<string[]> {
  return (await namesOnDisk(server)).filter(name => isHidden(name.slice(name.lastIndexOf('/') + 1)))
}

/** Makes a file an hour old: one that was written just now may be written again in the same second, so that its time tells no version. */
export async function aged({ files }: PrivateDaemon, name: string): Promise<void> {
  const then = Date.now() / 1000 - 3600
  await utimes(join(files, name), then, then)
}

/** Removes all files of a server. */
export async function emptied({ files }: PrivateDaemon): Promise<void> {
  for (const name of await readdir(files)) await rm(join(files, name), { recursive: true, force: true })
}

/**
 * The conformance suites over a server. A storage serves case after case, as a program would use it, until a case closes it; after each
 * case no temporary file may be left. `close` closes what is still open.
 */
export function conformanceOf(
  { server, storage }: FileServer,
  drivers: Omit<DriverConformanceOptions, 'create' | 'destroy'>,
): { driver: DriverConformanceOptions; storage: StorageConformanceOptions; close(): Promise<void> } {
  const kept = new Map<string, Storage>()
  const made = (options: FileServerOptions): Storage => {
    const key = JSON.stringify(options)
    const found = kept.get(key)
    if (found !== undefined) return found
    const fresh = storage(options)
    const { driver } = fresh.calls
    const close = driver.close?.bind(driver)
    driver.close = async () => {
      kept.delete(key)
      await close?.()
    }
    kept.set(key, fresh)
    return fresh
  }
  const destroy = async (): Promise<void> => {
    try {
      // Who aborts a call does not wait until its temporary file is removed.
      await vi.waitFor(async () => expect(await leftBehind(server)).toEqual([]), { timeout: 10_000 })
    } finally {
      await emptied(server)
    }
  }
  return {
    driver: { ...drivers, tree: true, create: () => made({}).calls.driver, destroy },
    storage: { create: made, destroy },
    async close() {
      for (const each of [...kept.values()]) await each.close()
    },
  }
}
