/** XML of strict servers: documents that they write, and bodies of requests that they read. */
import { parseXml, XmlElement } from '@rgrove/parse-xml'

/** Escapes text for XML as S3 does: control characters become numeric references, which XML 1.0 parsers refuse. */
export function xmlText(value: string): string {
  return value.replace(/[&<>"\u0000-\u001f]/g, found => {
    if (found === '&') return '&amp;'
    if (found === '<') return '&lt;'
    if (found === '>') return '&gt;'
    if (found === '"') return '&quot;'
    return `&#x${found.charCodeAt(0).toString(16)};`
  })
}

/** One XML element with text. */
export function element(name: string, value: string | number | boolean): string {
  return `<${name}>${xmlText(String(value))}</${name}>`
}

/** A document whose root has this content. */
export function document(root: string, inner: string, namespace?: string): string {
  const attribute = namespace === undefined ? '' : ` xmlns="${namespace}"`
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root}${attribute}>${inner}</${root}>`
}

/** One element of a request body. */
export interface BodyNode {
  readonly name: string
  readonly text: string
  readonly children: readonly BodyNode[]
}

/** Parses a body whose root must have this name; undefined when it is anything else. */
export function parseBody(body: Buffer, root: string): BodyNode | undefined {
  try {
    const node = parseXml(body.toString('utf8')).root
    return node?.name === root ? convert(node) : undefined
  } catch {
    return undefined
  }
}

function convert(node: XmlElement): BodyNode {
  const children = node.children.filter(child => child instanceof XmlElement).map(child => convert(child as XmlElement))
  return { name: node.name, text: node.text, children }
}

/** The text of the first child with this name. */
export function childText(node: BodyNode, name: string): string | undefined {
  return node.children.find(child => child.name === name)?.text
}
