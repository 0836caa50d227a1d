import assert from 'node:assert/strict'
import { type ErrorCode, isStorageError } from '../core/errors.ts'
import type { Storage } from '../storage/storage.ts'

/** Options that the cases ask for; everything else is the backend's affair. */
export interface WantedOptions {
  readonly location: string
  readonly fileOverwrite: boolean
}

/** What is to be tested. */
export interface StorageConformanceOptions {
  /** A storage with these options over an empty place; called for each case anew. */
  create(wanted: WantedOptions): Promise<Storage> | Storage
  /** Called after each case, in place of removing what is left and closing the storage. */
  destroy?: (storage: Storage) => Promise<void> | void
  /** Locations under which all cases are run. Default: the root and a folder. */
  readonly locations?: readonly string[]
  /** Whether the service takes no files without bytes; saving one must be refused and change nothing. */
  readonly refusesEmpty?: boolean
  /** Whether URLs are asked of the service, so that only a file that exists has one and its name does not show in it. */
  readonly opaqueUrls?: boolean
}

/** A case of a storage; `overwrite` asks for one with `fileOverwrite` on. */
export interface StorageCase {
  readonly title: string
  readonly overwrite?: boolean
  readonly run: (storage: Storage, options: StorageConformanceOptions) => Promise<void>
}

/** The promise must reject with a `StorageError` of the code. */
export async function failsWith(code: ErrorCode, call: Promise<unknown>): Promise<void> {
  const failure = await call.then(
    () => undefined,
    (error: unknown) => ({ error }),
  )
  assert.ok(failure !== undefined, `it succeeded; wanted ${code}`)
  assert.ok(isStorageError(failure.error), `no StorageError: ${String(failure.error)}`)
  assert.equal(failure.error.code, code, failure.error.message)
}

/** All bytes of a file as text. */
export async function textOf(storage: Storage, name: string): Promise<string> {
  await using file = await storage.open(name, 'rb')
  return (await file.read()).toString('utf8')
}

/** Names of all files, sorted. */
export async function namesOf(storage: Storage): Promise<string[]> {
  const names: string[] = []
  for await (const entry of storage.entries('', { recursive: true })) names.push(entry.name)
  return names.sort()
}
