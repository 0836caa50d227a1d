/** Whether the text of a url token is that of a data URL. */
export function isDataUrl(token: string): boolean {
  const inside = token.slice(token.indexOf('(') + 1).trimStart()
  return inside.slice(0, 5).toLowerCase() === 'data:'
}

/** Removes the control characters and blanks around a URL, which browsers ignore. (URL Standard, basic URL parser) */
export function withoutOuterBlanks(url: string): string {
  let [start, end] = [0, url.length]
  while (start < end && url.charCodeAt(start) <= 0x20) start++
  while (start < end && url.charCodeAt(end - 1) <= 0x20) end--
  return url.slice(start, end)
}

/** Returns the URL of the source map in a comment; undefined where it contains none. (ECMA-426, MatchSourceMapURL) */
export function sourceMapUrl(comment: string): string | undefined {
  if (comment[2] !== '#' && comment[2] !== '@') return undefined
  const end = comment.endsWith('*/') ? -2 : undefined
  const [name, url] = splitOnce(comment.slice(3, end).trim(), '=')
  return name !== 'sourceMappingURL' || url === '' || /\s/.test(url) ? undefined : url
}

function splitOnce(text: string, separator: string): readonly [string, string] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}

/** Characters that would end a string, or change its meaning. */
const UNSAFE = { '"': /["\\\n\f\r]/g, "'": /['\\\n\f\r]/g }

/** Writes a string in quotes. A line end is written by its number, since a backslash before it would remove it. */
function string(text: string, quote: '"' | "'"): string {
  const escaped = text.replace(UNSAFE[quote], unit =>
    unit < ' ' ? `\\${unit.charCodeAt(0).toString(16)} ` : `\\${unit}`,
  )
  return quote + escaped + quote
}

const writeDouble = (url: string): string => string(url, '"')
const writeSingle = (url: string): string => string(url, "'")

/** Writes a URL as a string, in the quotes of the former one. */
export function writeString(former: string): (url: string) => string {
  return former.startsWith("'") ? writeSingle : writeDouble
}

/** Writes `url()` like Django. */
export function writeUrl(url: string): string {
  return `url(${string(url, '"')})`
}

/** Writes an `@import` of a string like Django. */
export function writeImport(url: string): string {
  return `@import ${writeUrl(url)}`
}

/** Writes the comment with a source map like Django. Characters that would end the comment or the URL are percent-encoded. */
export function writeSourceMap(url: string): string {
  const safe = url.replace(/\s/g, encodeURIComponent).replaceAll('*/', '%2A/')
  return `/*# sourceMappingURL=${safe} */`
}
