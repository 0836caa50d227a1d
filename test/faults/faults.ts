/** What goes wrong with one request: one vocabulary for the strict servers, the proxy and the matrix. */

/** An answer as it goes over the wire. */
export interface Answer {
  readonly status: number
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** Not sent to HEAD, 204 and 304. */
  readonly body: Buffer
}

/**
 * When a fault strikes: before the server carries the request out, which then never happens, or after it did. Where a fault may
 * be either, it is `before` unless it says more.
 */
export type Moment = 'before' | 'after'

/** Breaks the connection; before the work at once, or when so many bytes of the request's body have come. */
export interface Drop {
  readonly do: 'drop'
  readonly at?: Moment
  readonly bytes?: number
}

/** Carries the request out and sends so many bytes of the answer's body, or part of its status line; then breaks the connection. */
export interface Cut {
  readonly do: 'cut'
  readonly bytes: number | 'head'
}

/** As a cut, but the connection stays open and nothing more comes. */
export interface Stall {
  readonly do: 'stall'
  readonly bytes: number
}

/**
 * Does nothing for so many milliseconds, or for good where none are given. With a time the request is carried out in the end, however
 * late it is and whether or not its client is still there.
 */
export interface Hold {
  readonly do: 'hold'
  readonly at?: Moment
  readonly ms?: number
  /** Called as soon as the request is held. */
  readonly onHold?: () => void
}

/** Answers an error. A status of 200 gives an error document in a success. */
export interface Refuse {
  readonly do: 'refuse'
  readonly at?: Moment
  readonly status: number
  /** The service's code; a strict server makes its error document of it. */
  readonly code?: string
  readonly headers?: Readonly<Record<string, string>>
  /** The answer's body; default the document of the code, or nothing at a proxy. */
  readonly body?: string
}

/** Carries the request out twice, one after the other; the second answer is sent. */
export interface Repeat {
  readonly do: 'repeat'
}

/** Carries the request out and changes one byte of the answer's body. */
export interface Garble {
  readonly do: 'garble'
  readonly offset: number
}

/** Sends bytes that are no HTTP instead of an answer, and closes the connection. */
export interface Garbage {
  readonly do: 'garbage'
  readonly at?: Moment
}

/** Sends the whole answer and then closes the connection, which the answer did not tell. */
export interface Close {
  readonly do: 'close'
}

/** Answers a success that is not true, or not the whole truth. */
export interface Lie {
  readonly do: 'lie'
  readonly at?: Moment
  /** Makes the lie of what was true; before the work that is an empty 200. */
  readonly answer: (truth: Answer) => Answer
}

/** One thing that goes wrong. */
export type Fault = Drop | Cut | Stall | Hold | Refuse | Repeat | Garble | Garbage | Close | Lie

/** The faults that strike before the work unless they say more. */
const EARLY: readonly Fault['do'][] = ['drop', 'hold', 'refuse', 'garbage', 'lie']

/** Whether the server carries the request out: never, before the fault strikes, or after it. */
export function workOf(fault: Fault): 'none' | 'done' | 'late' {
  if (!EARLY.includes(fault.do) || ('at' in fault && fault.at === 'after')) return 'done'
  return fault.do === 'hold' && fault.ms !== undefined ? 'late' : 'none'
}

/** 429 with Retry-After, in seconds. */
export function tooManyRequests(retryAfterSecs: number): Refuse {
  const headers = { 'retry-after': String(retryAfterSecs) }
  return { do: 'refuse', status: 429, headers, body: 'Too Many Requests' }
}

/** 403, as a refusal for good that lets an upload fail. */
export const FORBIDDEN: Refuse = { do: 'refuse', status: 403, body: 'Forbidden' }
