import { StorageError } from '../core/errors.ts'
import { globMatcher } from '../core/globs.ts'
import { kindOf } from '../core/kind.ts'
import { checkKnownOptions, type KnownOptions } from '../core/known-options.ts'
import type { CompareOptions, PlacesOptions, SyncOptions } from './types.ts'

const PLACES_OPTIONS: KnownOptions<PlacesOptions> = {
  signal: true,
  sourcePath: true,
  targetPath: true,
  include: true,
  exclude: true,
  concurrency: true,
  sizeOnly: true,
  read: true,
  foldsNames: true,
}
const SYNC_OPTIONS: KnownOptions<SyncOptions> = {
  ...PLACES_OPTIONS,
  delete: true,
  maxDelete: true,
  allowEmptySource: true,
  deleteExcluded: true,
  checksum: true,
  dryRun: true,
  record: true,
  onEvent: true,
  onProgress: true,
}
const COMPARE_OPTIONS: KnownOptions<CompareOptions> = {
  ...PLACES_OPTIONS,
  sample: true,
  onEvent: true,
  onProgress: true,
}

/** Rejects options of `sync` that are unknown, or contradict each other, with `invalid_argument`. */
export function checkSyncOptions(options: SyncOptions): void {
  checkKnownOptions('sync', options, SYNC_OPTIONS)
  checkConcurrency('sync', options)
  const { maxDelete, checksum, sizeOnly } = options
  if (maxDelete !== undefined && !(maxDelete >= 0 && maxDelete <= 100)) {
    throw invalid(`sync: maxDelete: expected a percentage from 0 to 100, got ${shown(maxDelete)}.`)
  }
  if (checksum === true && sizeOnly === true) throw invalid('sync: checksum and sizeOnly exclude each other.')
}

/** The same for `compare`; returns the size of the sample: a number of files, a share of them, or all. */
export function checkCompareOptions(options: CompareOptions): { readonly count?: number; readonly share?: number } {
  checkKnownOptions('compare', options, COMPARE_OPTIONS)
  checkConcurrency('compare', options)
  const { sample, sizeOnly } = options
  if (sample === undefined) return {}
  if (sizeOnly === true)
    throw invalid('compare: sample and sizeOnly exclude each other: sizes are compared of all files.')
  if (typeof sample === 'number' && Number.isSafeInteger(sample) && sample > 0) return { count: sample }
  const percent = /^(\d{1,3}(?:\.\d{1,9})?)%$/.exec(String(sample))?.[1]
  if (percent !== undefined && Number(percent) > 0 && Number(percent) <= 100) return { share: Number(percent) / 100 }
  throw invalid(`compare: sample: expected a number of files or a percentage such as '5%', got ${shown(sample)}.`)
}

function checkConcurrency(method: string, { concurrency }: PlacesOptions): void {
  if (concurrency === undefined || (Number.isSafeInteger(concurrency) && concurrency > 0)) return
  throw invalid(`${method}: concurrency: expected an integer above 0, got ${shown(concurrency)}.`)
}

/** Returns whether a name takes part: it matches `include`, if that is set, and not `exclude`. */
export function nameFilter({ include, exclude }: PlacesOptions): (name: string) => boolean {
  const included = include === undefined || include.length === 0 ? () => true : globMatcher(include, 'include')
  const excluded = exclude === undefined || exclude.length === 0 ? () => false : globMatcher(exclude, 'exclude')
  return name => included(name) && !excluded(name)
}

function shown(value: unknown): string {
  return typeof value === 'number' || typeof value === 'string' ? `'${value}'` : kindOf(value)
}

function invalid(text: string): StorageError {
  return new StorageError('invalid_argument', text)
}
