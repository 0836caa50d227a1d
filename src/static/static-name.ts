/** Returns why a part of a path cannot be part of a static file's name on all systems, or undefined where it can. */
export function nameProblem(part: string): string | undefined {
  if (part === '' || part === '.' || part === '..') return 'its name has an empty part, or one that stands for a folder'
  if (!part.isWellFormed()) return 'its name is not UTF-16'
  for (let at = 0; at < part.length; at++) {
    const unit = part.charCodeAt(at)
    if (unit === 0x5c) return 'its name has a backslash'
    if (unit < 0x20 || (unit >= 0x7f && unit < 0xa0)) return 'its name has a control character'
  }
  return undefined
}

/**
 * Returns the parts of a file's name; undefined for an invalid one: an absolute path, one with empty parts or `..`, with a backslash or a
 * control character.
 */
export function partsOf(name: string): readonly string[] | undefined {
  const parts = name.split('/')
  return parts.some(part => nameProblem(part) !== undefined) ? undefined : parts
}
