import { nodeCrypto } from '../core/builtin.ts'
import type { CallContext, Repeat } from '../core/call.ts'
import { type ErrorCode, StorageError } from '../core/errors.ts'
import { isWeakEtag } from '../core/etags.ts'
import { Once } from '../core/once.ts'
import { detached } from './aftermath.ts'

/** Which conditions a service honours. */
export interface ConditionSupport {
  /** `If-None-Match: *` refuses to overwrite an existing key. */
  readonly create: boolean
  /** `If-Match` refuses to overwrite an object with another etag. */
  readonly match: boolean
  /** `If-Match` refuses to DELETE an object with another etag. */
  readonly remove: boolean
  /** The service compares etags without quotes. */
  readonly bareEtags: boolean
}

/** Conditions of a service that follows RFC 9110. */
export const FULL_CONDITIONS: ConditionSupport = { create: true, match: true, remove: true, bareEtags: false }
/** Conditions of a service that supports none. */
export const NO_CONDITIONS: ConditionSupport = { create: false, match: false, remove: false, bareEtags: false }

/** An object used to test conditions. */
export interface Trial {
  /** Uploads the object without bytes; returns its etag as the service wrote it, undefined if the condition was refused. */
  put(conditions: Readonly<Record<string, string>>): Promise<string | undefined>
  /**
   * Deletes the object, under a condition if there is one; returns false if the condition was refused. Not ended by the call's own signal.
   */
  remove(conditions: Readonly<Record<string, string>>): Promise<boolean>
  /** Whether an error means that the service does not support the test, or that the keys lack the permission. */
  isRefusal(error: unknown): boolean
}

/** The requests of a test. */
export interface TrialRequests {
  /** Uploads an empty object under these conditions; returns its etag as the service wrote it. */
  put(key: string, conditions: Readonly<Record<string, string>>): Promise<string | undefined>
  remove(key: string, conditions: Readonly<Record<string, string>>, ctx: CallContext): Promise<unknown>
  classify(error: unknown): ErrorCode | undefined
  /** Whether an error is about the keys or the time of a request. Such an error shows nothing about the service. */
  isOfKeys?(error: unknown): boolean
}

/** A test with a temporary object, `.holdall-probe-*` below the prefix. */
export function trialOf(requests: TrialRequests, prefix: string, ctx: CallContext): Trial {
  const { put, remove, classify, isOfKeys } = requests
  const key = `${prefix}.holdall-probe-${nodeCrypto().randomUUID()}`
  return {
    async put(conditions) {
      try {
        return await put(key, conditions)
      } catch (error) {
        const code = classify(error)
        if (code === 'precondition_failed' || code === 'exists') return undefined
        throw error
      }
    },
    async remove(conditions) {
      try {
        await detached(ctx).step('delete', true, step => remove(key, conditions, step))
        return true
      } catch (error) {
        if (classify(error) === 'precondition_failed') return false
        throw error
      }
    },
    isRefusal(error) {
      if (isOfKeys?.(error) === true) return false
      const code = classify(error)
      return code === 'permission_denied' || code === 'unsupported' || code === 'invalid_argument'
    },
  }
}

/** The conditions that one service honours: known beforehand, or tested at the first use. */
export class Conditions {
  readonly #known: ConditionSupport | undefined
  readonly #found: Once<ConditionSupport> = new Once()

  constructor(known: ConditionSupport | undefined) {
    this.#known = known
  }

  /** What is known now. No conditions before the test. */
  get support(): ConditionSupport {
    return this.#known ?? this.#found.value ?? NO_CONDITIONS
  }

  /** Tests what is not known yet, once for all callers. */
  async discover(ctx: CallContext, trialOf: (ctx: CallContext) => Trial): Promise<void> {
    if (this.#known !== undefined || this.#found.done) return
    await this.#found.get(ctx, shared => tryOut(trialOf({ ...ctx, ...shared })))
  }

  /** The headers for the conditions of a write. Code `unsupported` for a condition that the service ignores. */
  headersOf({ ifAbsent, ifMatch }: WriteConditions): Record<string, string> {
    const headers: Record<string, string> = {}
    if (ifAbsent === true) {
      if (!this.support.create) throw new StorageError('unsupported', 'This service ignores If-None-Match.')
      headers['if-none-match'] = '*'
    }
    if (ifMatch !== undefined) {
      if (isWeakEtag(ifMatch)) throw new StorageError('unsupported', 'A weak etag cannot be the condition of a write.')
      headers['if-match'] = this.matchHeader(ifMatch)
    }
    return headers
  }

  /** The headers for the condition of a DELETE. Code `unsupported` if the service ignores it. */
  deleteHeadersOf({ ifMatch }: WriteConditions): Record<string, string> {
    if (ifMatch === undefined) return {}
    if (isWeakEtag(ifMatch)) throw new StorageError('unsupported', 'A weak etag cannot be the condition of a deletion.')
    const { remove, bareEtags } = this.support
    if (!remove) throw new StorageError('unsupported', 'This service ignores If-Match when it deletes.')
    return { 'if-match': bareEtags ? ifMatch : `"${ifMatch}"` }
  }

  /** The value of `If-Match`. Code `unsupported` if the service ignores it. */
  matchHeader(etag: string): string {
    const { match, bareEtags } = this.support
    if (!match) throw new StorageError('unsupported', 'This service ignores If-Match.')
    return bareEtags ? etag : `"${etag}"`
  }
}

/** The conditions of a write, as `WriteOptions` has them. */
export interface WriteConditions {
  readonly ifAbsent?: boolean | undefined
  readonly ifMatch?: string | undefined
}

/** When a request with these conditions may be repeated: a conditional request only after an error that proves that nothing was done. */
export function repeatUnder(conditions: Readonly<Record<string, string>>): Repeat {
  return Object.keys(conditions).length === 0 || 'if_not_applied'
}

/** Returns `exists` for the refusal of `ifAbsent`; returns any other error unchanged. */
export function conditionFailed(
  error: unknown,
  { ifAbsent }: WriteConditions,
  classify: (error: unknown) => ErrorCode | undefined,
): unknown {
  if (ifAbsent !== true || classify(error) !== 'precondition_failed') return error
  return new StorageError('exists', 'The key is taken.', { cause: error, status: 412 })
}

/** Waits for a deletion. A missing file is no error, but under a condition it is `precondition_failed`: it does not have that etag. */
export async function deleted(
  work: Promise<unknown>,
  { ifMatch }: WriteConditions,
  classify: (error: unknown) => ErrorCode | undefined,
): Promise<void> {
  try {
    await work
  } catch (cause) {
    if (classify(cause) !== 'not_found') throw cause
    if (ifMatch !== undefined) throw new StorageError('precondition_failed', 'The file does not exist.', { cause })
  }
}

const OTHER_ETAG = '"00000000000000000000000000000000"'

/**
 * Tests whether the service honours conditions. If a test is refused, the conditions count as unsupported. Other failures are thrown, so
 * they are not remembered as a result. The object is removed again.
 */
async function tryOut(trial: Trial): Promise<ConditionSupport> {
  let current: string | undefined
  const refuses = async (header: string, value: string): Promise<boolean> => {
    const etag = await trial.put({ [header]: value })
    current = etag ?? current
    return etag === undefined
  }
  try {
    current = await trial.put({ 'if-none-match': '*' })
    if (current === undefined) return NO_CONDITIONS
    const create = await refuses('if-none-match', '*')
    const other = await refuses('if-match', OTHER_ETAG)
    const bare = current.replaceAll('"', '')
    const quoted = other && !(await refuses('if-match', `"${bare}"`))
    const bareEtags = other && !quoted && !(await refuses('if-match', bare))
    const match = quoted || bareEtags
    return {
      create,
      match,
      remove: match && (await removesOnly(trial, current.replaceAll('"', ''), bareEtags)),
      bareEtags,
    }
  } catch (error) {
    if (trial.isRefusal(error)) return NO_CONDITIONS
    throw error
  } finally {
    await trial.remove({}).catch(() => undefined)
  }
}

/** Whether a DELETE with another etag is refused, and a DELETE with the object's own etag succeeds. */
async function removesOnly(trial: Trial, etag: string, bareEtags: boolean): Promise<boolean> {
  try {
    if (await trial.remove({ 'if-match': OTHER_ETAG })) return false
    return await trial.remove({ 'if-match': bareEtags ? etag : `"${etag}"` })
  } catch {
    return false
  }
}
