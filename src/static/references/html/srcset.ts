/** A URL in a `srcset`. */
export interface SrcsetUrl {
  readonly url: string
  readonly start: number
  readonly end: number
}

function isBlank(unit: string): boolean {
  return unit === ' ' || unit === '\t' || unit === '\n' || unit === '\f' || unit === '\r'
}

/**
 * Returns the URLs of the candidates in a `srcset`; commas in a URL or in parentheses do not separate candidates. (HTML, parsing a srcset
 * attribute)
 */
export function srcsetUrls(text: string): readonly SrcsetUrl[] {
  const urls: SrcsetUrl[] = []
  let at = 0
  while (at < text.length) {
    if (isBlank(text[at]!) || text[at] === ',') {
      at++
      continue
    }
    const start = at
    while (at < text.length && !isBlank(text[at]!)) at++
    let end = at
    while (text[end - 1] === ',') end--
    urls.push({ url: text.slice(start, end), start, end })
    if (end === at) at = behindDescriptors(text, at)
  }
  return urls
}

/** Returns the position of the comma that ends the descriptors, or of the end. */
function behindDescriptors(text: string, from: number): number {
  let depth = false
  for (let at = from; at < text.length; at++) {
    if (text[at] === '(') depth = true
    else if (text[at] === ')') depth = false
    else if (text[at] === ',' && !depth) return at
  }
  return text.length
}
