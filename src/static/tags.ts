/** Elements of a page that load files, each URL once. */
export class Tags {
  readonly #nonce: string | undefined
  readonly #lines = new Map<string, string>()

  constructor(nonce: string | undefined) {
    this.#nonce = nonce
  }

  stylesheet(url: string): void {
    this.#add(url, `<link rel="stylesheet" href="${escaped(url)}"${this.#attribute()}>`)
  }

  script(url: string): void {
    this.#add(url, `<script type="module" src="${escaped(url)}"${this.#attribute()}></script>`)
  }

  preload(url: string): void {
    this.#add(url, `<link rel="modulepreload" href="${escaped(url)}"${this.#attribute()}>`)
  }

  /** Returns the HTML, one element per line. */
  toString(): string {
    return [...this.#lines.values()].join('\n')
  }

  #add(url: string, line: string): void {
    if (!this.#lines.has(url)) this.#lines.set(url, line)
  }

  #attribute(): string {
    return this.#nonce === undefined ? '' : ` nonce="${escaped(this.#nonce)}"`
  }
}

const REFERENCES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '"': '&quot;',
  "'": '&#39;',
  '<': '&lt;',
  '>': '&gt;',
}

/** Escapes a text for a quoted attribute. (HTML 13.1.2.3) */
function escaped(text: string): string {
  return text.replace(/[&"'<>]/g, character => REFERENCES[character]!)
}
