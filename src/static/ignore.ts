import { posix } from 'node:path'
import { ImproperlyConfigured } from '../core/errors.ts'
import { kindOf } from '../core/kind.ts'
import { FnmatchPattern } from './fnmatch.ts'
import type { IsIgnored } from './types.ts'

/** What a run leaves out by default: folders of CVS, hidden files and folders, and backups of editors. */
export const DEFAULT_IGNORE: readonly string[] = ['CVS', '.*', '*~']

/** Longest pattern, in UTF-16 units: as long as the longest path of Linux. */
export const MAX_PATTERN_LENGTH = 4096

/**
 * Whether a file or folder is left out: one of the patterns stands for its base name or for its whole path. See `FnmatchPattern` for what
 * patterns are; `./a`, `a/` and `a//b` are read as `a` and `a/b`. What lies in a folder that is left out is not asked about. A value that is no list of
 * patterns, or a pattern of more than 4,096 characters, is `improperly_configured`. (Django `matches_patterns`, which compares the whole
 * path of files only)
 */
export function ignorePatterns(patterns: readonly string[]): IsIgnored {
  const all = checkedPatterns(patterns, 'ignore').map(pattern => new FnmatchPattern(normal(pattern)))
  return path => {
    const base = path.slice(path.lastIndexOf('/') + 1)
    for (const pattern of all) if (pattern.matches(base) || (base !== path && pattern.matches(path))) return true
    return false
  }
}

/** A pattern as Django normalizes it (`os.path.normpath`). */
function normal(pattern: string): string {
  const path = posix.normalize(pattern)
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
}

/** The patterns themselves; `improperly_configured`, with the name of the option, where they are none. */
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
