import assert from 'node:assert/strict'
import { type ErrorCode, isStorageError } from '../core/errors.ts'
import type { Storage } from '../storage/storage.ts'

/** Options that the cases set; the test of the backend chooses the others. */
export interface WantedOptions {
  readonly location: string
  readonly fileOverwrite: boolean
}

/** The storage to be tested, and its properties. */
export interface StorageConformanceOptions {
  /** Returns a storage with these options that is empty; called for each case. */
  create(wanted: WantedOptions): Promise<Storage> | Storage
  /** Called after each case, instead of removing its files and closing the storage. */
  destroy?: (storage: Storage) => Promise<void> | void
  /** Locations in which all cases run. Default: the root and a folder. */
  readonly locations?: readonly string[]
  /** Whether the service rejects empty files; saving one must then fail and change nothing. */
  readonly refusesEmpty?: boolean
  /** Whether URLs are requested from the service, so that only an existing file has one and its name is not visible in it. */
  readonly opaqueUrls?: boolean
}

/** A case of a storage; `overwrite` requests one with `fileOverwrite` on. */
export interface StorageCase {
  readonly title: string
  readonly overwrite?: boolean
  readonly run: (storage: Storage, options: StorageConformanceOptions) => Promise<void>
}

/** Checks that the promise rejects with a `StorageError` of the code. */
export async function failsWith(code: ErrorCode, call: Promise<unknown>): Promise<void> {
  const failure = await call.then(
    () => undefined,
    (error: unknown) => ({ error }),
  )
  assert.ok(failure !== undefined, `it succeeded; wanted ${code}`)
  assert.ok(isStorageError(failure.error), `no StorageError: ${String(failure.error)}`)
  assert.equal(failure.error.code, code, failure.error.message)
}

/** Returns all bytes of a file as text. */
export async function textOf(storage: Storage, name: string): Promise<string> {
  await using file = await storage.open(name, 'rb')
  return (await file.read()).toString('utf8')
}

/** Returns the names of all files, sorted. */
export async function namesOf(storage: Storage): Promise<string[]> {
  const names: string[] = []
  for await (const entry of storage.entries('', { recursive: true })) names.push(entry.name)
  return names.sort()
}
