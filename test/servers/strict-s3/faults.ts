/** Faults that the strict server commits on request. */
import type { IncomingMessage } from 'node:http'
import { S3Error } from './errors.ts'
import type { S3Request } from './request.ts'

/** What goes wrong, for which requests, and how often. */
export interface Fault {
  /** Name in the API reference: `PutObject`; default every operation. */
  readonly operation?: string
  readonly key?: string
  readonly match?: (request: S3Request) => boolean
  /** How many requests; default 1. */
  readonly times?: number
  /** Answer this error instead of running the operation. */
  readonly error?: { readonly status: number; readonly code: string; readonly headers?: Record<string, string> }
  /** Run the operation, then answer this error all the same; status 200 gives "200 with an error body". */
  readonly errorAfter?: { readonly status: number; readonly code: string; readonly headers?: Record<string, string> }
  /** Break the connection before or after the operation ran. */
  readonly reset?: 'before' | 'after'
  /** Break the connection after so many bytes of the answer's body. */
  readonly truncateAt?: number
  /** Milliseconds to wait first. */
  readonly delayMs?: number
}

/** The faults to come; the first that fits is used. */
export class FaultList {
  readonly #list: { fault: Fault; left: number }[] = []

  /** Adds a fault for the next request(s) that fit. */
  add(fault: Fault): void {
    this.#list.push({ fault, left: fault.times ?? 1 })
  }

  /** Forgets all faults. */
  clear(): void {
    this.#list.length = 0
  }

  /** How many faults are still to come. */
  get size(): number {
    return this.#list.reduce((sum, one) => sum + one.left, 0)
  }

  /** Takes the fault for this request, if any. */
  take(operation: string, request: S3Request): Fault | undefined {
    const found = this.#list.find(
      ({ fault }) =>
        (fault.operation ?? operation) === operation &&
        (fault.key ?? request.key) === request.key &&
        (fault.match?.(request) ?? true),
    )
    if (found === undefined) return undefined
    found.left--
    if (found.left <= 0) this.#list.splice(this.#list.indexOf(found), 1)
    return found.fault
  }
}

function fail(error: NonNullable<Fault['error']>): never {
  const message = error.code === 'SlowDown' ? 'Please reduce your request rate.' : 'A fault that the test asked for.'
  throw new S3Error(error.status, error.code, message, {}, error.headers)
}

/** The part of a fault that comes before the operation. */
export async function applyBefore(fault: Fault | undefined, message: IncomingMessage): Promise<void> {
  if (fault?.delayMs !== undefined) await new Promise(resolve => setTimeout(resolve, fault.delayMs))
  if (fault?.reset === 'before') {
    message.socket.resetAndDestroy()
    throw new Error('reset')
  }
  if (fault?.error !== undefined) fail(fault.error)
}

/** The part of a fault that comes after the operation. */
export function applyAfter(fault: Fault | undefined, message: IncomingMessage): void {
  if (fault?.reset === 'after') {
    message.socket.resetAndDestroy()
    throw new Error('reset')
  }
  if (fault?.errorAfter !== undefined) fail(fault.errorAfter)
}
