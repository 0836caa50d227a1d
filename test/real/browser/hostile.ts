/** What a stranger may have stored. */
export interface Hostile {
  readonly title: string
  readonly contentType: string | undefined
  /** The file, given the script that it is to run. */
  readonly body: (script: string) => string
  /** Where Chromium runs it: where the site trusts its files, or only where nothing but the stored type is sent. */
  readonly runs: 'trusted' | 'bare' | 'nowhere'
}

const html = (script: string) => `<!doctype html><title>stored</title><script>${script}</script>`
const svg = (script: string) =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>${script}</script></svg>`
const xhtml = (script: string) =>
  `<?xml version="1.0"?><r><script xmlns="http://www.w3.org/1999/xhtml">${script}</script></r>`
const xslt = (script: string) => {
  const sheet = `<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:template match="/"><html><script>${script}</script></html></xsl:template></xsl:stylesheet>`
  return `<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="data:text/xsl,${encodeURIComponent(sheet)}"?><r/>`
}
const parts = (script: string) =>
  `--b\r\nContent-Type: text/html\r\n\r\n${html(script)}\r\n--b\r\nContent-Type: text/html\r\n\r\nend\r\n--b--\r\n`
const utf7 = (script: string) => html(script).replaceAll('<', '+ADw-').replaceAll('>', '+AD4-')
const plain = (script: string) => script

const ROWS: ReadonlyArray<
  readonly [title: string, Hostile['body'], Hostile['runs'], ...types: Array<string | undefined>]
> = [
  ['HTML', html, 'trusted', 'text/html', 'TEXT/HTML ; charset=utf-8'],
  ['SVG', svg, 'trusted', 'image/svg+xml', 'image/svg+xml; charset=utf-8'],
  ['XHTML', xhtml, 'trusted', 'application/xhtml+xml', 'text/xml', 'application/xml', 'text/xsl'],
  ['XML that this browser shows as text', xhtml, 'nowhere', 'application/xslt+xml', 'image/png+xml', 'video/own+xml'],
  ['XML with a style sheet', xslt, 'trusted', 'text/xml'],
  ['a type list', html, 'trusted', 'text/plain,text/html', 'text/plain;a=b,text/html', 'image/png; a="b", text/html'],
  ['a malformed type', html, 'trusted', 'text/html;;='],
  ['a malformed type that is sniffed', html, 'bare', 'html', '*/*', 'text /html'],
  ['a malformed type that is no page', html, 'nowhere', 'text/html;x=,a/b', 'text/', 'text/html/x', ''],
  ['HTML that is sniffed', html, 'bare', undefined, 'unknown/unknown', 'application/unknown'],
  [
    'HTML under an inert type',
    html,
    'nowhere',
    'text/plain',
    'text/csv',
    'image/png',
    'application/json',
    'application/pdf',
  ],
  ['HTML that is downloaded', html, 'nowhere', 'application/octet-stream', 'application/zip', 'application/x-own'],
  ['HTML in another charset', utf7, 'nowhere', 'text/html; charset=utf-7', 'text/plain; charset=utf-7'],
  ['HTML as a part', parts, 'nowhere', 'multipart/x-mixed-replace; boundary=b', 'message/rfc822'],
  [
    'JavaScript',
    plain,
    'trusted',
    'text/javascript',
    'application/javascript',
    'application/x-ecmascript',
    'text/jscript',
  ],
  ['JavaScript under another type', plain, 'bare', undefined, 'text/plain', 'application/json'],
  ['JavaScript as a picture', plain, 'nowhere', 'image/png', 'text/csv'],
]

/** One per type. */
export const hostile: readonly Hostile[] = ROWS.flatMap(([title, body, runs, ...types]) =>
  types.map(contentType => ({ title: `${title}: ${contentType ?? 'no type'}`, contentType, body, runs })),
)
