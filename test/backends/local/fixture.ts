import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { LocalDriver, type LocalDriverOptions } from '../../../src/backends/local/driver.ts'
import type { CallContext } from '../../../src/core/call.ts'
import type { ListedFile } from '../../../src/core/driver.ts'
import { isStorageError } from '../../../src/core/errors.ts'

export function callContext(signal: AbortSignal = new AbortController().signal): CallContext {
  return {
    signal,
    attempt: 1,
    progress() {},
    step(_operation, _replayable, run) {
      return run(this)
    },
  }
}

export const ctx: CallContext = callContext()

/** The flags of a handle that changes a file, which it makes where it is missing. */
export const CHANGE = { read: true, write: true, create: true, exclusive: false, truncate: false } as const

export function temporaryFolder(): { path: string; [Symbol.dispose](): void } {
  const path = mkdtempSync(join(tmpdir(), 'holdall-test-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

export function localDriver(location: string, options: Partial<LocalDriverOptions> = {}): LocalDriver {
  return new LocalDriver({
    location,
    baseUrl: null,
    filePermissionsMode: 0o644,
    directoryPermissionsMode: null,
    keepMetadata: false,
    urlSecret: null,
    fsync: false,
    ...options,
  })
}

export async function bytesOf(
  driver: LocalDriver,
  key: string,
  range?: { start: number; end?: number },
): Promise<Buffer> {
  return buffer((await driver.read(key, { range }, ctx)).body.stream())
}

export async function allFiles(
  driver: LocalDriver,
  prefix = '',
  recursive = true,
  limit?: number,
): Promise<ListedFile[]> {
  const files: ListedFile[] = []
  let token: string | undefined
  do {
    const page = await driver.list(prefix, { recursive, token, limit }, ctx)
    files.push(...page.files)
    token = page.next
  } while (token !== undefined)
  return files
}

export async function codeOf(driver: LocalDriver, work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work
    return undefined
  } catch (error) {
    return isStorageError(error) ? error.code : (driver.classify(error) ?? `unclassified: ${error}`)
  }
}

/** How many descriptors of this process lead into a folder. */
export function openIn(folder: string): number {
  return readdirSync('/proc/self/fd').filter(fd => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(folder)
    } catch {
      return false
    }
  }).length
}
