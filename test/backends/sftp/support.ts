import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { expect } from 'vitest'
import { type SftpOptions, SftpStorage } from '../../../src/backends/sftp/index.ts'
import { isStorageError, type StorageError } from '../../../src/core/errors.ts'
import type { Input } from '../../../src/core/settings.ts'
import type { Services } from '../../../src/storage/types.ts'
import type { Moment } from '../../faults/faults.ts'
import { distinctBytes } from '../../faults/ground.ts'
import type { PlannedSftpFault } from '../../servers/sftp/faults.ts'
import { sharedKey } from '../../servers/sftp/keys.ts'
import { PASSWORD, type SftpServer, USERNAME } from '../../servers/sftp.ts'

/** Parameters that look at nothing outside of the test: no agent, no keys of the user who runs it. */
export const ALONE = { allowAgent: false, lookForKeys: false } as const

/** How a storage reaches the server: by its first account, whose password it has, and by the key that all servers share. */
export function at(server: SftpServer, options: Input<SftpOptions> = {}): Input<SftpOptions> {
  const params = { port: server.port, username: USERNAME, password: PASSWORD, ...ALONE }
  const trust = options.knownHostFile === undefined ? { hostKey: sharedKey().publicKey } : {}
  return { host: server.host, location: 'media', timeoutSecs: 20, ...trust, params, ...options }
}

/** A storage at a server that reads no settings and no environment but those that are given. */
export function storageAt(server: SftpServer, options: Input<SftpOptions> = {}, services: Services = {}): SftpStorage {
  return new SftpStorage(at(server, options), { settings: {}, env: {}, ...services })
}

/** Runs with a storage and closes it, whatever comes. */
export async function withStorage<T>(
  server: SftpServer,
  options: Input<SftpOptions>,
  work: (files: SftpStorage) => Promise<T>,
): Promise<T> {
  const files = storageAt(server, options)
  try {
    return await work(files)
  } finally {
    await files.close()
  }
}

/** What a call fails with, which must be a `StorageError` that shows no secret anywhere, its causes included. */
export async function failure(call: Promise<unknown>, ...secrets: readonly string[]): Promise<StorageError> {
  const error = await call.then(
    value => expect.unreachable(`it succeeded: ${inspect(value)}`),
    (thrown: unknown) => thrown,
  )
  if (!isStorageError(error)) throw error
  const shown = inspect(error, { depth: 20, showHidden: true }) + JSON.stringify(error)
  for (const secret of [PASSWORD, ...secrets]) expect(shown).not.toContain(secret)
  return error
}

/** A folder for one test. */
export class Folder implements AsyncDisposable {
  readonly path: string

  private constructor(path: string) {
    this.path = path
  }

  static async make(): Promise<Folder> {
    return new Folder(await mkdtemp(join(tmpdir(), 'holdall-sftp-')))
  }

  /** Writes a file into it and gives its path. */
  async write(name: string, text: string): Promise<string> {
    const path = join(this.path, name)
    await writeFile(path, text, { mode: 0o600 })
    return path
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true })
  }
}

/** What is open at the server: it hears a little later what its client has closed, so it is looked at so many turns at most. */
export async function openAt(server: SftpServer): Promise<readonly string[]> {
  for (let turn = 0; turn < 2000 && server.openPaths.length > 0; turn++) await new Promise(setImmediate)
  return server.openPaths
}

/** A request that the server holds. */
export interface Held {
  /** Resolves as soon as it has come. */
  readonly reached: Promise<void>
  /** Lets the server answer it. */
  go(): void
}

/** Holds the next request that fits, before or after its work. */
export function hold(server: SftpServer, planned: Omit<PlannedSftpFault, 'fault'>, at: Moment = 'before'): Held {
  const [reached, free] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  server.faults.add({ ...planned, fault: { do: 'hold', at, until: free.promise, onHold: reached.resolve } })
  return { reached: reached.promise, go: free.resolve }
}

/** Compares long byte strings, which `toEqual` takes seconds for. */
export function expectBytes(actual: Uint8Array | undefined, expected: Uint8Array): void {
  if (actual !== undefined && Buffer.compare(actual, expected) === 0) return
  const at = actual?.findIndex((byte, index) => byte !== expected[index])
  expect([actual?.length, at]).toEqual([expected.length, -1])
}

/** Bytes that differ everywhere, so that pieces in a wrong order show. */
export function distinct(size: number): Buffer {
  return distinctBytes(Math.ceil(size / 4) * 4).subarray(0, size)
}
