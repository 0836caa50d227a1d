/** The error answers of Nimbus.io: a status, and a text for people. */
import type { Refuse } from '../../faults/faults.ts'
import { Refusal } from '../strict/answer.ts'

/** What goes wrong on a node is to be tried again after so many seconds. */
export const RETRY_AFTER_SECS = 120

/** Thrown by every operation; 503 asks for another try later. */
export class NimbusError extends Refusal {
  /** The document of the answer where it is JSON. */
  readonly document: unknown

  constructor(status: number, message: string, document?: unknown) {
    const headers: Record<string, string> = status === 503 ? { 'retry-after': String(RETRY_AFTER_SECS) } : {}
    super(status, String(status), message, {}, headers)
    this.document = document
  }
}

/** 401, as for all that is wrong with who asks, an unknown collection included. */
export function unauthorized(why: string): NimbusError {
  return new NimbusError(401, why)
}

/** A fault: 503 with Retry-After, as when a node has trouble. */
export function nodeTrouble(retryAfterSecs: number): Refuse {
  return { do: 'refuse', status: 503, headers: { 'retry-after': String(retryAfterSecs) }, body: '' }
}
