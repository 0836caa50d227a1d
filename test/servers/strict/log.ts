/** One request as it was answered; a strict server keeps them in order. */
export interface LoggedRequest {
  /** The operation's name in the service's reference. */
  readonly operation: string
  readonly method: string
  /** Path and query as on the wire. */
  readonly url: string
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  /** Bytes of the body. */
  readonly bodySize: number
  readonly status: number
  /** The error code, if any. */
  readonly code: string | undefined
}
