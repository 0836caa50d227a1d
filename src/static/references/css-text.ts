/** Whether the text of a url token is that of a data URL. */
export function isDataUrl(token: string): boolean {
  const inside = token.slice(token.indexOf('(') + 1).trimStart()
  return inside.slice(0, 5).toLowerCase() === 'data:'
}

/** A URL without the control characters and blanks around it, which no browser takes for parts of it. (URL Standard, basic URL parser) */
export function withoutOuterBlanks(url: string): string {
  let [start, end] = [0, url.length]
  while (start < end && url.charCodeAt(start) <= 0x20) start++
  while (start < end && url.charCodeAt(end - 1) <= 0x20) end--
  return url.slice(start, end)
}

/** The URL of the source map that a comment names; undefined where it names none. (ECMA-426, MatchSourceMapURL) */
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

/** What would end a string, or mean another character in it. */
const UNSAFE = { '"': /["\\\n\f\r]/g, "'": /['\\\n\f\r]/g }

/** A string in quotes. A line end is written by its number, since a backslash before it would take it away. */
function string(text: string, quote: '"' | "'"): string {
  const escaped = text.replace(UNSAFE[quote], unit =>
    unit < ' ' ? `\\${unit.charCodeAt(0).toString(16)} ` : `\\${unit}`,
  )
  return quote + escaped + quote
}

const writeDouble = (url: string): string => string(url, '"')
const writeSingle = (url: string): string => string(url, "'")

/** How a URL is written in the place of a string: in the quotes of that one. */
export function writeString(former: string): (url: string) => string {
  return former.startsWith("'") ? writeSingle : writeDouble
}

/** As Django writes `url()`. */
export function writeUrl(url: string): string {
  return `url(${string(url, '"')})`
}

/** As Django writes an `@import` of a string. */
export function writeImport(url: string): string {
  return `@import ${writeUrl(url)}`
}

/** As Django writes the comment that names a source map. What would end it or the URL is percent-encoded. */
export function writeSourceMap(url: string): string {
  const safe = url.replace(/\s/g, encodeURIComponent).replaceAll('*/', '%2A/')
  return `/*# sourceMappingURL=${safe} */`
}
