import type { XmlElement } from '@rgrove/parse-xml'
import { StorageError } from '../core/errors.ts'
import { type DocumentAnswer, readDocument } from './document.ts'

/** An element of a parsed XML document. Names have no namespace prefix. */
export class XmlNode {
  readonly #element: XmlElement

  constructor(element: XmlElement) {
    this.#element = element
  }

  get name(): string {
    return localName(this.#element.name)
  }

  /** All text inside, with entities resolved and white space unchanged. */
  get text(): string {
    return this.#element.text
  }

  /** The value of an attribute by its full name, or undefined. */
  attribute(name: string): string | undefined {
    const { attributes } = this.#element
    return Object.hasOwn(attributes, name) ? attributes[name] : undefined
  }

  /** The first child element with that name, or undefined. */
  child(name: string): XmlNode | undefined {
    const found = this.#element.children.find(each => isElement(each) && localName(each.name) === name)
    return found === undefined ? undefined : new XmlNode(found as XmlElement)
  }

  /** The child elements with that name, or all of them, in document order. */
  children(name?: string): XmlNode[] {
    const nodes: XmlNode[] = []
    for (const each of this.#element.children) {
      if (isElement(each) && (name === undefined || localName(each.name) === name)) nodes.push(new XmlNode(each))
    }
    return nodes
  }

  /** The element reached by the first child of each name in turn, or undefined. */
  path(...names: string[]): XmlNode | undefined {
    let node: XmlNode | undefined = this
    for (const name of names) node = node?.child(name)
    return node
  }
}

const MAX_DEPTH = 64
/** Maximum number of elements, attributes, comments and other nodes. Each takes far more memory than its text. */
const MAX_NODES = 500_000

let parser: typeof import('@rgrove/parse-xml') | undefined

/** How a document is parsed. */
export interface XmlOptions {
  /** Whether characters that XML 1.0 forbids, and references to them, become U+FFFD. Default: the document is refused. */
  readonly replacesForbidden?: boolean | undefined
}

/** Reads an answer of at most `MAX_DOCUMENT_BYTES` (16 MiB) and parses it. A larger one is `too_large`, and its connection is closed. */
export async function readXml(answer: DocumentAnswer, options?: XmlOptions): Promise<XmlNode> {
  return parseXml(await readDocument(answer), options)
}

/** Characters outside the production `Char` of XML 1.0 (section 2.2), and decimal and hexadecimal references to them. */
const FORBIDDEN =
  /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|&#(?:0{0,8}(?:[0-8]|1[124-9]|2\d|3[01]|6553[45])|x0{0,8}(?:[0-8bcef]|1[0-9a-f]|fff[ef]));/gi

/**
 * Parses a service's answer and returns its root element. White space and a byte order mark before it are skipped: services send blanks to
 * keep a connection open during long work. Text that is not XML, or has a document type, is `unavailable`, since a retry may get the right
 * answer. More than 64 levels or 500,000 nodes are `unavailable` without a retry.
 */
export async function parseXml(document: string, { replacesForbidden = false }: XmlOptions = {}): Promise<XmlNode> {
  parser ??= await import('@rgrove/parse-xml')
  const start = document.trimStart()
  const text = replacesForbidden ? start.replace(FORBIDDEN, '\ufffd') : start
  const finding = inspected(text)
  if (finding === 'excessive') {
    const message = `The service answered with XML of more than ${MAX_DEPTH} levels or ${MAX_NODES} nodes.`
    throw new StorageError('unavailable', message, { retryable: false })
  }
  const root = finding === 'broken' ? null : rootOf(parser, text)
  if (root === null) throw new StorageError('unavailable', 'The answer of the service is not XML.')
  return new XmlNode(root)
}

// The parser's own error is dropped: it quotes the document, and such answers may contain credentials.
function rootOf({ parseXml: parse }: typeof import('@rgrove/parse-xml'), text: string): XmlElement | null {
  try {
    // Line ends are normalised as in XML 1.0 section 2.11: the parser takes quadratic time for many CRs.
    return parse(text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text).root
  } catch {
    return null
  }
}

const COMMENT = ['<!--', '-->'] as const
const CDATA = ['<![CDATA[', ']]>'] as const
const INSTRUCTION = ['<?', '?>'] as const
const BANG = 0x21
const DOUBLE_QUOTE = 0x22
const SINGLE_QUOTE = 0x27
const SLASH = 0x2f
const GREATER = 0x3e
const QUESTION = 0x3f

/**
 * Estimates the size of a document before parsing: the parser is recursive and creates all nodes. `broken` is a document with unclosed
 * markup or with a document type; the parser checks the rest.
 */
function inspected(text: string): 'modest' | 'excessive' | 'broken' {
  let depth = 0
  let nodes = 0
  for (let at = text.indexOf('<'); at >= 0; at = text.indexOf('<', at)) {
    if (++nodes > MAX_NODES) return 'excessive'
    const kind = text.charCodeAt(at + 1)
    if (kind === BANG || kind === QUESTION) {
      const [opening, closing] = kind === QUESTION ? INSTRUCTION : text.startsWith(COMMENT[0], at) ? COMMENT : CDATA
      at = text.startsWith(opening, at) ? text.indexOf(closing, at + opening.length) : -1
      if (at < 0) return 'broken'
      continue
    }
    for (let unit = text.charCodeAt(++at); unit !== GREATER; unit = text.charCodeAt(++at)) {
      if (Number.isNaN(unit)) return 'broken'
      if (unit !== DOUBLE_QUOTE && unit !== SINGLE_QUOTE) continue
      if (++nodes > MAX_NODES) return 'excessive'
      at = text.indexOf(text[at]!, at + 1)
      if (at < 0) return 'broken'
    }
    if (kind === SLASH) depth--
    else if (text.charCodeAt(at - 1) !== SLASH && ++depth > MAX_DEPTH) return 'excessive'
  }
  return depth === 0 ? 'modest' : 'broken'
}

function isElement(node: { type: string }): node is XmlElement {
  return node.type === 'element'
}

function localName(name: string): string {
  const colon = name.indexOf(':')
  return colon < 0 ? name : name.slice(colon + 1)
}

/** The text of a required field. Code `unavailable` if it is missing or empty: the result of the request is then unknown. */
export function fieldText(root: XmlNode, field: string): string {
  const text = root.child(field)?.text.trim()
  if (text) return text
  throw new StorageError('unavailable', `The service answered with success, but without ${field} of ${root.name}.`)
}

/** Escapes a text for an element or an attribute. */
export function xmlText(text: string): string {
  return text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
}

/** Whether a text passes through XML 1.0 unchanged in both directions: it has no control characters and no line ends. */
export function isXmlText(text: string): boolean {
  return !/[\x00-\x1f\ufffe\uffff]/.test(text)
}
