import { ImproperlyConfigured } from './errors.ts'
import { kindOf } from './kind.ts'

/** Maximum length of a pattern, in UTF-16 units: the length of the longest path of Linux. */
export const MAX_PATTERN_LENGTH = 4096

/** Returns the patterns; `improperly_configured`, with the name of the option, for a value that is not a list of patterns. */
export function checkedPatterns(patterns: unknown, option: string): readonly string[] {
  if (!Array.isArray(patterns)) {
    throw new ImproperlyConfigured(`${option}: expected a list of patterns, got ${kindOf(patterns)}.`)
  }
  for (const pattern of patterns) {
    if (typeof pattern !== 'string') {
      throw new ImproperlyConfigured(`${option}: expected a pattern, got ${kindOf(pattern)}.`)
    }
    if (pattern.length > MAX_PATTERN_LENGTH) {
      const text = `a pattern has ${pattern.length} characters; the longest one allowed has ${MAX_PATTERN_LENGTH}`
      throw new ImproperlyConfigured(`${option}: ${text}.`)
    }
  }
  return patterns
}
