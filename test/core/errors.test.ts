import { describe, expect, it } from 'vitest'
import {
  abortedError,
  abortReason,
  classifyCommon,
  type ErrorCode,
  ImproperlyConfigured,
  isStorageError,
  notBegun,
  type Outcome,
  StorageError,
  SuspiciousFileOperation,
  sourceError,
  wrapError,
} from '../../src/core/errors.ts'

const RETRYABLE: ErrorCode[] = ['throttled', 'unavailable', 'timeout', 'checksum_mismatch']
const UNCERTAIN: ErrorCode[] = ['unavailable', 'timeout', 'aborted', 'unknown']
/** The compiler asks for every code. */
const ALL: Record<ErrorCode, true> = {
  not_found: true,
  exists: true,
  is_directory: true,
  not_a_directory: true,
  not_empty: true,
  suspicious_name: true,
  invalid_argument: true,
  invalid_range: true,
  improperly_configured: true,
  unsupported: true,
  unsupported_mode: true,
  permission_denied: true,
  precondition_failed: true,
  throttled: true,
  unavailable: true,
  timeout: true,
  aborted: true,
  checksum_mismatch: true,
  too_large: true,
  no_space: true,
  source_failed: true,
  no_file: true,
  closed: true,
  unknown: true,
}

describe('StorageError', () => {
  it.each(Object.keys(ALL) as ErrorCode[])('%s says whether to try again and what became of it', code => {
    const error = new StorageError(code, 'text')
    expect(error.retryable).toBe(RETRYABLE.includes(code))
    expect(error.outcome).toBe(UNCERTAIN.includes(code) ? 'unknown' : 'not_applied')
    expect(isStorageError(error, code)).toBe(true)
    expect(isStorageError(error, code === 'closed' ? 'exists' : 'closed')).toBe(false)
    expect(isStorageError(error, 'not_found', code)).toBe(true)
    const known = new StorageError(code, 'text', { retryable: !error.retryable, outcome: 'applied' })
    expect([known.retryable, known.outcome]).toEqual([!error.retryable, 'applied' satisfies Outcome])
  })

  it('bears the names of Django’s errors, and no cause in its JSON', () => {
    const error = new SuspiciousFileOperation('bad', { fileName: '../x', cause: new Error('key=SECRET') })
    expect([error.name, error.code]).toEqual(['SuspiciousFileOperation', 'suspicious_name'])
    expect([new ImproperlyConfigured('x').name, new ImproperlyConfigured('x').code]).toEqual([
      'ImproperlyConfigured',
      'improperly_configured',
    ])
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      name: 'SuspiciousFileOperation',
      code: 'suspicious_name',
      message: 'bad',
      fileName: '../x',
      retryable: false,
      outcome: 'not_applied',
    })
    expect(isStorageError(new Error('x'))).toBe(false)
  })
})

describe('wrapError', () => {
  const details = { operation: 'read', fileName: 'a.txt', backend: 'test' }

  it('classifies native errors by their driver, then by what is common', () => {
    const native = Object.assign(new Error('nope'), { code: 'E_OWN' })
    expect(wrapError(native, details, () => 'exists')).toMatchObject({ code: 'exists', cause: native, ...details })
    expect(wrapError(native, details, () => undefined)).toMatchObject({
      code: 'unknown',
      message: "read 'a.txt': nope",
    })
    expect(wrapError('text', {}, () => undefined)).toMatchObject({ code: 'unknown', message: 'call: text' })
    const answered = { status: 503, requestId: 'r1', retryAfterMs: 7, message: 'busy' }
    expect(wrapError(answered, details, () => 'throttled')).toMatchObject({
      status: 503,
      requestId: 'r1',
      retryAfterMs: 7,
    })
  })

  it('keeps a StorageError as it is and adds only what it lacks', () => {
    const own = new StorageError('exists', 'taken', { operation: 'write' })
    expect(wrapError(own, details, () => 'unknown')).toBe(own)
    expect(own).toMatchObject({ code: 'exists', operation: 'write', fileName: 'a.txt', backend: 'test' })
  })

  it.each([
    ['ECONNRESET', 'unavailable'],
    ['ECONNREFUSED', 'unavailable'],
    ['EPIPE', 'unavailable'],
    ['ENOTFOUND', 'unavailable'],
    ['ERR_STREAM_PREMATURE_CLOSE', 'unavailable'],
    ['ETIMEDOUT', 'timeout'],
    ['ABORT_ERR', 'aborted'],
    ['EOTHER', 'unknown'],
  ] as const)('knows %s as %s', (code, wanted) => {
    expect(classifyCommon({ code })).toBe(wanted)
  })

  it('knows the errors of signals by their names', () => {
    expect(classifyCommon(AbortSignal.abort().reason)).toBe('aborted')
    expect(classifyCommon(new DOMException('late', 'TimeoutError'))).toBe('timeout')
    for (const nothing of [null, undefined, 5, {}]) expect(classifyCommon(nothing)).toBe('unknown')
  })
})

describe('errors of aborted calls', () => {
  it('carry the reason, or are it where it is one of ours', () => {
    const reason = new Error('enough')
    expect(abortedError({ operation: 'save', fileName: 'a' }, reason)).toMatchObject({
      code: 'aborted',
      message: "save 'a': the call was aborted.",
      outcome: 'unknown',
      cause: reason,
    })
    const own = new StorageError('timeout', 'late')
    expect(abortedError({}, own)).toBe(own)
    expect(notBegun(AbortSignal.abort(reason), {})).toMatchObject({ code: 'aborted', outcome: 'not_applied' })
  })

  it('give way to a failure that says more than that a connection broke', () => {
    const signal = AbortSignal.abort()
    const exists = new StorageError('exists', 'taken')
    expect(abortReason(signal, exists)).toBe(exists)
    for (const error of [new Error('x'), new StorageError('unavailable', 'x'), new StorageError('unknown', 'x')]) {
      expect(abortReason(signal, error, { operation: 'read' })).toMatchObject({ code: 'aborted', operation: 'read' })
    }
  })

  it('tell a failed source', () => {
    expect(sourceError('odd')).toMatchObject({ code: 'source_failed', message: 'The content could not be read: odd' })
  })
})
