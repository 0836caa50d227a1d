/**
 * Number of successive failures that are not about one file, after which the run is abandoned: the service, or the connection to it, is
 * broken.
 */
export const MAX_IN_A_ROW = 10
/** Codes of such errors. */
export const BROKEN: ReadonlySet<string> = new Set([
  'improperly_configured',
  'permission_denied',
  'throttled',
  'unavailable',
  'timeout',
  'no_space',
  'closed',
  'unknown',
])
