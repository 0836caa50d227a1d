/** Request bodies in XML. */
import { parseXml, XmlElement } from '@rgrove/parse-xml'
import { S3Error } from './errors.ts'

/** One element of a request body. */
export interface BodyNode {
  readonly name: string
  readonly text: string
  readonly children: readonly BodyNode[]
}

function convert(node: XmlElement): BodyNode {
  const children = node.children.filter(child => child instanceof XmlElement).map(child => convert(child as XmlElement))
  return { name: node.name, text: node.text, children }
}

/** Parses a body whose root must have this name; 400 MalformedXML. */
export function parseBody(body: Buffer, root: string): BodyNode {
  const malformed = new S3Error(
    400,
    'MalformedXML',
    'The XML you provided was not well-formed or did not validate against our published schema',
  )
  let node: XmlElement | null
  try {
    node = parseXml(body.toString('utf8')).root
  } catch {
    throw malformed
  }
  if (node?.name !== root) throw malformed
  return convert(node)
}

/** The text of the first child with this name. */
export function childText(node: BodyNode, name: string): string | undefined {
  return node.children.find(child => child.name === name)?.text
}
