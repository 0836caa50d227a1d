/** Elements with content of SVG or MathML. */
const FOREIGN: ReadonlySet<string> = new Set(['svg', 'math'])
/** Elements of SVG and MathML with content of HTML. (HTML, HTML integration points and MathML text integration points) */
const INTEGRATION: ReadonlySet<string> = new Set('foreignobject desc title annotation-xml mi mn mo ms mtext'.split(' '))
/** HTML elements that end the SVG and MathML around them. (HTML, the rules for parsing tokens in foreign content) */
const BREAKOUT: ReadonlySet<string> = new Set(
  `b big blockquote body br center code dd div dl dt em embed h1 h2 h3 h4 h5 h6 head hr i img li listing menu meta nobr ol p pre ruby s
  small span strong strike sub sup table tt u ul var`.split(/\s+/),
)

/**
 * Tracks whether a page is in SVG or MathML, where `<style>` and `<script>` contain ordinary text. Only the elements that begin and end
 * such content are kept, so the time is proportional to the length of the page at any depth.
 */
export class ForeignContent {
  readonly #open: string[] = []
  readonly #counts = new Map<string, number>()

  /** Whether the next tag is one of SVG or MathML. */
  get isForeign(): boolean {
    return FOREIGN.has(this.#open.at(-1) ?? '')
  }

  /** Handles a start tag, whose name is in lower case. Returns whether its element belongs to SVG or MathML. */
  opened(name: string): boolean {
    if (FOREIGN.has(name)) {
      this.#push(name)
      return true
    }
    if (BREAKOUT.has(name)) while (this.isForeign) this.#pop()
    const { isForeign } = this
    if (isForeign && INTEGRATION.has(name)) this.#push(name)
    return isForeign
  }

  /** Handles an end tag, or the end of a self-closing start tag. */
  closed(name: string): void {
    if ((this.#counts.get(name) ?? 0) === 0) return
    while (this.#pop() !== name);
  }

  #push(name: string): void {
    this.#open.push(name)
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1)
  }

  #pop(): string {
    const name = this.#open.pop()!
    this.#counts.set(name, this.#counts.get(name)! - 1)
    return name
  }
}
