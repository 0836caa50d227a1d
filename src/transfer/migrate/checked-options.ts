import { StorageError } from '../../core/errors.ts'
import { kindOf } from '../../core/kind.ts'
import { checkKnownOptions, type KnownOptions } from '../../core/known-options.ts'
import type { MigrateOptions, RetryOptions } from './types.ts'

const OPTIONS: KnownOptions<MigrateOptions> = {
  signal: true,
  sourcePath: true,
  targetPath: true,
  include: true,
  exclude: true,
  concurrency: true,
  foldsNames: true,
  verify: true,
  since: true,
  delete: true,
  maxDelete: true,
  allowEmptySource: true,
  times: true,
  visibility: true,
  bandwidth: true,
  count: true,
  dryRun: true,
  ledger: true,
  restart: true,
  titles: true,
  meter: true,
  onEvent: true,
  onProgress: true,
}
const RETRY_OPTIONS: KnownOptions<RetryOptions> = {
  signal: true,
  sourcePath: true,
  targetPath: true,
  foldsNames: true,
  concurrency: true,
  bandwidth: true,
  meter: true,
  onEvent: true,
  onProgress: true,
  ledger: true,
}
const MODES: ReadonlySet<unknown> = new Set(['full', 'sample', 'size', false, undefined])

/** Rejects options of `migrate` that are unknown, or contradict each other, with `invalid_argument`. */
export function checkMigrateOptions(options: MigrateOptions): void {
  checkKnownOptions('migrate', options, OPTIONS)
  checkValues('migrate', options)
}

/** The same for `retryFailures`: what is compared, and which names take part, was decided by the run. */
export function checkRetryOptions(options: RetryOptions): void {
  checkKnownOptions('retryFailures', options, RETRY_OPTIONS)
  checkValues('retryFailures', options)
}

function checkValues(method: string, options: MigrateOptions): void {
  const { concurrency, since, ledger, dryRun, restart } = options
  const reject = (text: string): never => {
    throw new StorageError('invalid_argument', `${method}: ${text}.`, { operation: method })
  }
  if (concurrency !== undefined && !(Number.isSafeInteger(concurrency) && concurrency > 0)) {
    reject(`concurrency: expected an integer above 0, got ${shown(concurrency)}`)
  }
  checkPlanValues(options, reject)
  if (since !== undefined && !(since instanceof Date && !Number.isNaN(since.getTime()))) {
    reject(`since: expected a valid Date, got ${shown(since)}`)
  }
  if (ledger !== undefined && (typeof ledger !== 'string' || ledger === '' || ledger === ':memory:')) {
    reject(`ledger: expected the path of a file, got ${shown(ledger)}`)
  }
  if (restart === true && ledger === undefined) reject('restart needs a ledger')
  if (restart === true && dryRun === true) reject('restart and dryRun exclude each other')
}

/** Rejects values that a migration cannot have, on one machine or many; `reject` throws. */
export function checkPlanValues(
  {
    verify,
    delete: deletes,
    maxDelete,
    bandwidth,
  }: Pick<MigrateOptions, 'verify' | 'delete' | 'maxDelete' | 'bandwidth'>,
  reject: (text: string) => never,
): void {
  if (maxDelete !== undefined && !(maxDelete >= 0 && maxDelete <= 100)) {
    reject(`maxDelete: expected a percentage from 0 to 100, got ${shown(maxDelete)}`)
  }
  if (!MODES.has(verify)) reject(`verify: expected 'full', 'sample', 'size' or false, got ${shown(verify)}`)
  if (bandwidth !== undefined && !(Number.isFinite(bandwidth) && bandwidth > 0)) {
    reject(`bandwidth: expected a number of bytes per second above 0, got ${shown(bandwidth)}`)
  }
  if (deletes === true && verify === false) {
    reject('delete needs the verify pass: files are deleted only if it found no difference')
  }
}

function shown(value: unknown): string {
  return typeof value === 'number' || typeof value === 'string' ? `'${value}'` : kindOf(value)
}
