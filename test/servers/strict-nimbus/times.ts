/** Times of Nimbus.io. */

/** As `Thu, 05 Jun 2008 16:38:19 GMT`. */
export function httpTime(ms: number): string {
  return new Date(ms).toUTCString()
}

/** The same, or nothing. */
export function maybeTime(ms: number | undefined): string | null {
  return ms === undefined ? null : httpTime(ms)
}
