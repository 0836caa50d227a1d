import { posix } from 'node:path'
import { checkedPatterns } from '../core/patterns.ts'
import { FnmatchPattern } from './fnmatch.ts'
import type { IsIgnored } from './types.ts'

/** The patterns that a run ignores by default: folders of CVS, hidden files and folders, and backups of editors. */
export const DEFAULT_IGNORE: readonly string[] = ['CVS', '.*', '*~']

/**
 * Returns a function that reports whether a file or folder is ignored: one of the patterns matches its base name or its whole path. See
 * `FnmatchPattern` for the syntax; `./a`, `a/` and `a//b` are read as `a` and `a/b`. Files in an ignored folder are not checked. A value
 * that is not a list of patterns, or a pattern of more than 4,096 characters, is `improperly_configured`. (Django `matches_patterns`, which
 * compares the whole path of files only)
 */
export function ignorePatterns(patterns: readonly string[]): IsIgnored {
  const all = checkedPatterns(patterns, 'ignore').map(pattern => new FnmatchPattern(normal(pattern)))
  return path => {
    const base = path.slice(path.lastIndexOf('/') + 1)
    for (const pattern of all) if (pattern.matches(base) || (base !== path && pattern.matches(path))) return true
    return false
  }
}

/** Returns a pattern as Django normalizes it (`os.path.normpath`). */
function normal(pattern: string): string {
  const path = posix.normalize(pattern)
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
}
