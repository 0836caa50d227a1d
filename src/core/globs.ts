import picomatch from 'picomatch'
import { checkedPatterns } from './patterns.ts'

/**
 * Returns a function that reports whether a name matches glob patterns, with the syntax of other Node tools: `*` and `?` do not match a
 * slash, `**` is any number of folders, `{css,js}` is one of both, `[!a]` and `[^a]` are all but a. Hidden files match like others. Unlike
 * in ignore patterns:
 * - A pattern without a slash applies to the last part of a name: `*.html` is every page, in any folder.
 * - A pattern with a slash applies to the whole name. A slash at its beginning is dropped (`/*.html`: only the pages at the top); a slash
 *   at its end matches everything in the folder (`fonts/`).
 * - `!` at the beginning excludes names that the patterns before it match; as the first pattern it matches all other names.
 *
 * Names use forward slashes. `option` is the name of the option, for errors. A value that is not a list of patterns is
 * `improperly_configured`.
 */
export function globMatcher(patterns: readonly string[], option = 'patterns'): (name: string) => boolean {
  const all = checkedPatterns(patterns, option).map(globOf)
  const isAllFirst = all[0]?.isNegated === true
  return name => {
    let isMatch = isAllFirst
    // Skips a pattern that would change nothing.
    for (const { isNegated, matches } of all) if (isMatch === isNegated && matches(name)) isMatch = !isNegated
    return isMatch
  }
}

interface Glob {
  readonly isNegated: boolean
  matches(name: string): boolean
}

function globOf(pattern: string): Glob {
  // `!(a|b)` is a group, not a negation.
  const isNegated = pattern.startsWith('!') && pattern[1] !== '('
  const text = isNegated ? pattern.slice(1) : pattern
  const anchored = text.startsWith('/') ? text.slice(1) : text
  const glob = anchored.endsWith('/') ? `${anchored}**/*` : anchored
  if (glob === '') return { isNegated, matches: () => false }
  const isMatch = picomatch(negatedSets(glob), { dot: true, nonegate: true, windows: false })
  if (text.includes('/')) return { isNegated, matches: name => isMatch(name) }
  return { isNegated, matches: name => isMatch(name.slice(name.lastIndexOf('/') + 1)) }
}

/** Rewrites sets for picomatch: `[!a]` is `[^a]` there. */
function negatedSets(glob: string): string {
  let text = ''
  let isInSet = false
  for (let at = 0; at < glob.length; at++) {
    const char = glob[at]!
    if (char === '\\') {
      text += char + (glob[++at] ?? '')
      continue
    }
    const isNegation = !isInSet && char === '[' && glob[at + 1] === '!'
    if (isNegation) at++
    if (char === '[') isInSet = true
    else if (char === ']') isInSet = false
    text += isNegation ? '[^' : char
  }
  return text
}
