/** What goes wrong with one request to an SFTP server, and which requests that happens to. */
import type { Moment } from '../../faults/faults.ts'
import type { Reply } from './protocol.ts'
import type { Request } from './request.ts'

/** Breaks the connection. Without `at`, as in all of these, before the work, which then never happens. */
interface Drop {
  readonly do: 'drop'
  readonly at?: Moment
}

/** Carries the request out, sends so many bytes of the answer's packet and breaks the connection. */
interface Cut {
  readonly do: 'cut'
  readonly bytes: number
}

/** Closes the channel; the connection lives. */
interface CloseChannel {
  readonly do: 'close'
  readonly at?: Moment
}

/** Does not answer until the promise is resolved, or for good; the work of `before` is then done, however late. */
interface Hold {
  readonly do: 'hold'
  readonly at?: Moment
  readonly until?: Promise<unknown>
  /** Called as soon as the request is held. */
  readonly onHold?: () => void
}

/** Answers a status that is not OK. */
interface Refuse {
  readonly do: 'refuse'
  readonly at?: Moment
  readonly code: number
  readonly message?: string
}

/** Carries the request out and answers something else. */
interface Lie {
  readonly do: 'lie'
  readonly answer: (truth: Reply) => Reply
}

/** Sends a packet of a type that does not exist. */
interface Garbage {
  readonly do: 'garbage'
}

export type SftpFault = Drop | Cut | CloseChannel | Hold | Refuse | Lie | Garbage

/** A fault to come. */
export interface PlannedSftpFault {
  /** Name in the draft, or the name of an extension; default every operation. */
  readonly on?: string | readonly string[]
  /** The path as its client gave it, or the one by which its handle was opened. */
  readonly path?: string | RegExp
  readonly match?: (request: Request) => boolean
  /** How many requests that fit are let through before. */
  readonly skip?: number
  /** How many requests; default 1. */
  readonly times?: number
  readonly fault: SftpFault
}

/** The faults to come; the first that fits is used. */
export class SftpFaults {
  readonly #list: { planned: PlannedSftpFault; skip: number; left: number }[] = []

  add(planned: PlannedSftpFault): void {
    this.#list.push({ planned, skip: planned.skip ?? 0, left: planned.times ?? 1 })
  }

  clear(): void {
    this.#list.length = 0
  }

  /** How many faults are still to come. */
  get size(): number {
    return this.#list.reduce((sum, one) => sum + one.left, 0)
  }

  /** Takes the fault for this request, if any. */
  take(operation: string, path: string, request: Request): SftpFault | undefined {
    for (const one of this.#list) {
      if (!fits(one.planned, operation, path, request)) continue
      if (one.skip-- > 0) continue
      one.left--
      if (one.left <= 0) this.#list.splice(this.#list.indexOf(one), 1)
      return one.planned.fault
    }
    return undefined
  }
}

function fits({ on, path, match }: PlannedSftpFault, operation: string, name: string, request: Request): boolean {
  if (on !== undefined && on !== operation && !(Array.isArray(on) && on.includes(operation))) return false
  if (path !== undefined && (typeof path === 'string' ? path !== name : !path.test(name))) return false
  return match?.(request) ?? true
}
