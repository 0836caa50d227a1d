/** The headers with tags, including the one that marks them as encoded. */
export type TagHeaders = Readonly<Record<string, string>>

/** Text that needs no encoding in a list of tags: printable ASCII without commas, percent signs, outer or double blanks. */
const PLAIN = /^(?! )(?!.*(?: {2}| $))[\x20-\x24\x26-\x2b\x2d-\x7e]*$/

/** Whether a text needs no encoding in a header of tags or of a path. */
export function isPlainText(text: string): boolean {
  return PLAIN.test(text)
}

/**
 * The headers that set tags; no headers without tags. If a name or a value is not plain ASCII, all of them are percent-encoded as UTF-8,
 * and `x-emc-utf8` marks this.
 */
export function tagHeaders(tags: Readonly<Record<string, string>>): TagHeaders {
  const pairs = Object.entries(tags)
  if (pairs.length === 0) return {}
  if (pairs.every(pair => pair.every(isPlainText))) return { 'x-emc-meta': joined(pairs) }
  return {
    'x-emc-meta': joined(pairs.map(([name, value]) => [encodeURIComponent(name), encodeURIComponent(value)])),
    'x-emc-utf8': 'true',
  }
}

function joined(pairs: ReadonlyArray<readonly [string, string]>): string {
  return pairs.map(([name, value]) => `${name}=${value}`).join(',')
}

/**
 * The tags in a header, by their names. A comma in a value that is not encoded is part of it unless a name and `=` follow. Invalid encoding
 * stays unchanged, separately for each name and value.
 */
export function tagsIn(header: string | string[] | undefined): Map<string, string> {
  const tags = new Map<string, string>()
  for (const pair of [header ?? '']
    .flat()
    .join(',')
    .split(/,(?=[^,=]+=)/)) {
    const at = pair.indexOf('=')
    if (at > 0) tags.set(decoded(pair.slice(0, at).trim()), decoded(pair.slice(at + 1).trimEnd()))
  }
  return tags
}

function decoded(text: string): string {
  try {
    // Node reads headers as Latin-1; text outside ASCII that is not encoded is UTF-8.
    return text.includes('%') ? decodeURIComponent(text) : utf8Of(text)
  } catch {
    return utf8Of(text)
  }
}

function utf8Of(text: string): string {
  if (!/[\x80-\xff]/.test(text)) return text
  const wide = Buffer.from(text, 'latin1').toString('utf8')
  return wide.includes('\ufffd') ? text : wide
}
