/** Request bodies in XML. */
import { type BodyNode, childText, parseBody as parsed } from '../strict/xml.ts'
import { S3Error } from './errors.ts'

export { type BodyNode, childText }

/** Parses a body whose root must have this name; 400 MalformedXML. */
export function parseBody(body: Buffer, root: string): BodyNode {
  const node = parsed(body, root)
  if (node !== undefined) return node
  const message = 'The XML you provided was not well-formed or did not validate against our published schema'
  throw new S3Error(400, 'MalformedXML', message)
}
