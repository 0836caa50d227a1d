import type { Visibility } from '../core/driver.ts'
import { isStorageError, StorageError } from '../core/errors.ts'
import { Once } from '../core/once.ts'
import type { AnyStorage } from './storage.ts'
import type { Entry, NameOrEntry } from './types.ts'

/** Which attributes of files are wanted at the target, besides those that are sent with the bytes. */
export interface WantedAttributes {
  readonly times: boolean
  readonly visibility: boolean
}

/** An attribute that does not go along, and the side that lacks it. */
export interface LeftBehind {
  readonly attribute: 'contentType' | 'cacheControl' | 'metadata' | 'modifiedAt' | 'visibility'
  readonly lackedBy: 'source' | 'target'
}

/** Maximum number of different parameters of requests for which the visibility of new files is remembered. */
const MAX_DEFAULTS = 100
/** Times that differ by less are equal: some servers keep only every second second. */
const SAME_TIME_MS = 2000

/** Options of carrying attributes. */
export interface CarriedOptions extends WantedAttributes {
  /** Called once for each attribute that a service turns out not to have although its backend knows it. */
  readonly onLeftBehind?: ((leftBehind: LeftBehind) => void | Promise<void>) | undefined
  /** Whether a side that does not allow access to the visibility counts as one without it; default: the file fails. */
  readonly mayBeDenied?: boolean | undefined
}

/**
 * Sets what is not sent with the bytes of a copy: the modification time and the visibility, where both sides have them. A service that
 * answers `unsupported` is not asked again, and fails no file.
 */
export class CarriedAttributes {
  readonly #source: AnyStorage
  readonly #target: AnyStorage
  readonly #onLeftBehind: CarriedOptions['onLeftBehind']
  readonly #mayBeDenied: boolean
  /** What new files of the target have, by the parameters of their requests. */
  readonly #defaults = new Map<string, Once<Visibility>>()
  readonly #reported = new Set<string>()
  #setsTimes: boolean
  #setsVisibility: boolean

  constructor(source: AnyStorage, target: AnyStorage, options: CarriedOptions) {
    const { times, visibility, onLeftBehind, mayBeDenied = false } = options
    this.#source = source
    this.#target = target
    this.#onLeftBehind = onLeftBehind
    this.#mayBeDenied = mayBeDenied
    this.#setsTimes = times && target.supports('setModifiedTime')
    this.#setsVisibility = visibility && source.supports('visibility') && target.supports('visibility')
  }

  /**
   * Sets the attributes of a file that was just copied. `modifiedAt` is the time of the bytes that were copied; default: that of the source
   * file. Returns whether the target was changed, so that its state must be looked up again.
   */
  async carry(source: Entry, target: NameOrEntry, signal: AbortSignal, modifiedAt?: Date): Promise<boolean> {
    const isSeen = this.#setsVisibility && (await this.#carryVisibility(source, target, signal))
    // The last step: it is lost if the file is changed afterwards.
    const isTimed = this.#setsTimes && (await this.#carryTime(source, target, signal, modifiedAt))
    return isSeen || isTimed
  }

  /**
   * The same for a file that the target already had, after work that may have ended between a copy and its attributes. Costs requests only
   * for times that differ, and with `visibility` two for each file.
   */
  async catchUp(
    source: Entry,
    target: Entry,
    { visibility, signal }: { readonly visibility: boolean; readonly signal: AbortSignal },
  ): Promise<boolean> {
    let isChanged = false
    if (visibility && this.#setsVisibility) {
      const wanted = await this.#visibilityOfSource(source, signal)
      const found = await this.#atTarget(() => this.#target.visibility(target, { signal }))
      isChanged = await this.#adapted(target, found, wanted, signal)
    }
    if (!this.#setsTimes || isSameTime(source, target)) return isChanged
    return (await this.#carryTime(source, target, signal, undefined, target)) || isChanged
  }

  async #carryTime(
    source: Entry,
    target: NameOrEntry,
    signal: AbortSignal,
    modifiedAt: Date | undefined,
    listed?: Entry,
  ): Promise<boolean> {
    let time = modifiedAt
    if (time === undefined) {
      const stat = source.isRoughTime === true ? await this.#source.stat(source, { signal }) : source
      if (stat.isRoughTime !== true) time = stat.modifiedAt
    }
    if (time === undefined) return false
    if (listed !== undefined) {
      const exact = listed.isRoughTime === true ? await this.#target.stat(target, { signal }) : listed
      if (isSameTime({ modifiedAt: time }, exact)) return false
    }
    try {
      await this.#target.setModifiedTime(target, time, { signal })
      return true
    } catch (error) {
      // A time that the target cannot express concerns only this file.
      if (!isStorageError(error, 'unsupported', 'invalid_argument')) throw error
      if (isStorageError(error, 'unsupported')) this.#setsTimes = false
      await this.#report({ attribute: 'modifiedAt', lackedBy: 'target' })
      return false
    }
  }

  async #carryVisibility(source: Entry, target: NameOrEntry, signal: AbortSignal): Promise<boolean> {
    const wanted = await this.#visibilityOfSource(source, signal)
    if (wanted === undefined) return false
    const found = await this.#atTarget(() => this.#default(target, signal))
    return this.#adapted(target, found, wanted, signal)
  }

  async #visibilityOfSource(source: Entry, signal: AbortSignal): Promise<Visibility | undefined> {
    try {
      return await this.#source.visibility(source, { signal })
    } catch (error) {
      return this.#lacksVisibility(error, 'source')
    }
  }

  /** Sets the visibility if it is another one; both are undefined if a side turned out to have none. */
  async #adapted(
    target: NameOrEntry,
    found: Visibility | undefined,
    wanted: Visibility | undefined,
    signal: AbortSignal,
  ): Promise<boolean> {
    if (wanted === undefined || found === undefined || found === wanted) return false
    const set = (): Promise<true> => this.#target.setVisibility(target, wanted, { signal }).then(() => true)
    return (await this.#atTarget(set)) ?? false
  }

  async #atTarget<T>(call: () => Promise<T>): Promise<T | undefined> {
    try {
      return await call()
    } catch (error) {
      return this.#lacksVisibility(error, 'target')
    }
  }

  /** Returns the visibility of a new file: it is requested once, and again for other parameters of the upload (an ACL by name). */
  async #default(target: NameOrEntry, signal: AbortSignal): Promise<Visibility> {
    const parameters = JSON.stringify(this.#target.fileRef(target).objectParameters ?? {})
    let known = this.#defaults.get(parameters)
    if (known === undefined) {
      known = new Once()
      if (this.#defaults.size < MAX_DEFAULTS) this.#defaults.set(parameters, known)
    }
    let isOwn = false
    try {
      return await known.get({ signal }, shared => {
        isOwn = true
        return this.#target.visibility(target, { signal: shared.signal })
      })
    } catch (error) {
      if (isOwn || signal.aborted || isStorageError(error, 'unsupported')) throw error
      // The failure was about another file.
      return await this.#target.visibility(target, { signal })
    }
  }

  async #lacksVisibility(error: unknown, side: 'source' | 'target'): Promise<undefined> {
    if (isStorageError(error, 'unsupported') || (this.#mayBeDenied && isStorageError(error, 'permission_denied'))) {
      this.#setsVisibility = false
      await this.#report({ attribute: 'visibility', lackedBy: side })
      return undefined
    }
    if (!isStorageError(error, 'permission_denied')) throw error
    const text = `The ${side} does not allow access to the visibility of files: allow it, or turn visibility off.`
    const { operation, fileName } = error
    throw new StorageError('permission_denied', text, { operation, fileName, cause: error })
  }

  async #report(left: LeftBehind): Promise<void> {
    const about = `${left.attribute} ${left.lackedBy}`
    if (this.#reported.has(about)) return
    this.#reported.add(about)
    await this.#onLeftBehind?.(left)
  }
}

/** Whether both times are exact and alike. */
function isSameTime(source: Pick<Entry, 'modifiedAt' | 'isRoughTime'>, target: Entry): boolean {
  if (source.isRoughTime === true || target.isRoughTime === true) return false
  const [wanted, found] = [source.modifiedAt, target.modifiedAt]
  return wanted === undefined || (found !== undefined && Math.abs(+wanted - +found) < SAME_TIME_MS)
}
