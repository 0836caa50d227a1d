import type { XmlElement } from '@rgrove/parse-xml'
import { StorageError } from '../core/errors.ts'

/** An element of a parsed XML document. Names are without their namespace prefix. */
export class XmlNode {
  readonly #element: XmlElement

  constructor(element: XmlElement) {
    this.#element = element
  }

  get name(): string {
    return localName(this.#element.name)
  }

  /** All text inside, entities resolved, white space as it is. */
  get text(): string {
    return this.#element.text
  }

  /** The value of an attribute by its whole name, or undefined. */
  attribute(name: string): string | undefined {
    const { attributes } = this.#element
    return Object.hasOwn(attributes, name) ? attributes[name] : undefined
  }

  /** The first child element of that name, or undefined. */
  child(name: string): XmlNode | undefined {
    const found = this.#element.children.find(each => isElement(each) && localName(each.name) === name)
    return found === undefined ? undefined : new XmlNode(found as XmlElement)
  }

  /** The child elements of that name, or all of them, in the order of the document. */
  children(name?: string): XmlNode[] {
    const nodes: XmlNode[] = []
    for (const each of this.#element.children) {
      if (isElement(each) && (name === undefined || localName(each.name) === name)) nodes.push(new XmlNode(each))
    }
    return nodes
  }

  /** The element that is reached by the first child of each name in turn, or undefined. */
  path(...names: string[]): XmlNode | undefined {
    let node: XmlNode | undefined = this
    for (const name of names) node = node?.child(name)
    return node
  }
}

let parser: typeof import('@rgrove/parse-xml') | undefined

/** Parses a service's answer and gives its root element; what is no XML is `unavailable`, since a retry may get it whole. */
export async function parseXml(text: string): Promise<XmlNode> {
  parser ??= await import('@rgrove/parse-xml')
  const root = rootOf(parser, text)
  if (root === null) throw new StorageError('unavailable', 'The service answered with something that is not XML.')
  return new XmlNode(root)
}

// The parser's own error is dropped: it quotes the document, and such answers may hold credentials.
function rootOf({ parseXml: parse }: typeof import('@rgrove/parse-xml'), text: string): XmlElement | null {
  try {
    return parse(text).root
  } catch {
    return null
  }
}

function isElement(node: { type: string }): node is XmlElement {
  return node.type === 'element'
}

function localName(name: string): string {
  const colon = name.indexOf(':')
  return colon < 0 ? name : name.slice(colon + 1)
}
