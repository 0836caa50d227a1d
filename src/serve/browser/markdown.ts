import type { Tokens } from 'marked'
import { nodeCrypto } from '../../core/builtin.ts'
import { Refusal } from './answers.ts'
import type { Place } from './place.ts'

/** Maximum size in bytes of a file that is rendered. */
const MAX_BYTES = 256 * 1024
/** Maximum time of rendering in milliseconds: it takes quadratic time for some texts, and other requests wait for it. */
const MAX_MS = 1000

const STYLE = `:root{color-scheme:light dark}
body{font:16px/1.6 system-ui,sans-serif;max-width:46rem;margin:0 auto;padding:1.5rem;overflow-wrap:break-word}
pre,code{font:14px/1.5 ui-monospace,monospace}
code{background:#8882;padding:.1em .3em;border-radius:4px}
pre{background:#8882;padding:1em;border-radius:8px;overflow:auto}
pre code{background:none;padding:0}
table{border-collapse:collapse;display:block;overflow:auto}
td,th{border:1px solid #8886;padding:.3em .7em;text-align:start}
blockquote{margin:0;padding-inline-start:1em;border-inline-start:4px solid #8886}
h1,h2{border-bottom:1px solid #8884;padding-bottom:.2em}`

/** Returns a Markdown file as an HTML document without scripts, forms, requests, and markup from the file. */
export async function markdownDocument(place: Place, path: string, signal: AbortSignal): Promise<Response> {
  const name = place.nameOf(path)
  const { size } = await place.storage.stat(name, { signal })
  if (!(size <= MAX_BYTES)) throw new Refusal(413, 'The file is too large for a preview.')
  const text = await place.storage.readText(name, { signal })
  const html = await rendered(text)
  const style = nodeCrypto().createHash('sha256').update(STYLE).digest('base64')
  const policy = `default-src 'none'; style-src 'sha256-${style}'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox`
  return new Response(
    `<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width"><style>${STYLE}</style><body dir="auto">${html}`,
    {
      headers: {
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-store',
        'content-security-policy': policy,
      },
    },
  )
}

/**
 * Renders Markdown as HTML: markup in it is shown as text, images by their descriptions, and links lead only to other sites, in new
 * windows.
 */
export async function rendered(text: string): Promise<string> {
  const { Marked } = await import('marked')
  const marked = new Marked({
    gfm: true,
    renderer: {
      html: ({ text }: Tokens.HTML | Tokens.Tag) => escaped(text),
      image: ({ text, href }: Tokens.Image) => `[${escaped(text === '' ? href : text)}]`,
      link({ href, tokens }: Tokens.Link) {
        const inner = this.parser.parseInline(tokens)
        if (!/^(?:https?:\/\/|mailto:)/i.test(href)) return inner
        return `<a href="${escaped(href)}" target="_blank" rel="noopener noreferrer">${inner}</a>`
      },
    },
  })
  try {
    // The only way to end synchronous work that takes too long.
    const { runInNewContext } = process.getBuiltinModule('node:vm')
    return runInNewContext('render()', { render: () => marked.parse(text, { async: false }) }, { timeout: MAX_MS })
  } catch {
    throw new Refusal(422, 'The file could not be rendered.')
  }
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, char => ENTITIES[char]!)
}
