/** Requests of SFTP version 3 with their fields. */
import { PacketReader } from './packet.ts'
import { type Attributes, PACKET, REQUESTS } from './protocol.ts'

/** A request for a path, which is bytes, one character each. */
interface PathRequest {
  readonly operation: 'LSTAT' | 'STAT' | 'OPENDIR' | 'REMOVE' | 'RMDIR' | 'REALPATH' | 'READLINK'
  readonly path: string
}

interface HandleRequest {
  readonly operation: 'CLOSE' | 'FSTAT' | 'READDIR'
  readonly handle: string
}

interface OpenRequest {
  readonly operation: 'OPEN'
  readonly path: string
  readonly flags: number
  readonly attributes: Attributes
}

interface ReadRequest {
  readonly operation: 'READ'
  readonly handle: string
  readonly offset: number
  readonly length: number
}

interface WriteRequest {
  readonly operation: 'WRITE'
  readonly handle: string
  readonly offset: number
  readonly data: Buffer
}

interface SetstatRequest {
  readonly operation: 'SETSTAT' | 'MKDIR'
  readonly path: string
  readonly attributes: Attributes
}

interface FsetstatRequest {
  readonly operation: 'FSETSTAT'
  readonly handle: string
  readonly attributes: Attributes
}

interface RenameRequest {
  readonly operation: 'RENAME'
  readonly path: string
  readonly to: string
}

/** The fields in the order of the wire, which OpenSSH and the draft understand differently. */
interface SymlinkRequest {
  readonly operation: 'SYMLINK'
  readonly path: string
  readonly to: string
}

/** An extended request; its operation is its name, up to the `@`. */
export interface ExtendedRequest {
  readonly operation: 'EXTENDED'
  readonly extension: string
  readonly fields: Buffer
}

export type Request =
  | PathRequest
  | HandleRequest
  | OpenRequest
  | ReadRequest
  | WriteRequest
  | SetstatRequest
  | FsetstatRequest
  | RenameRequest
  | SymlinkRequest
  | ExtendedRequest

/** A request with its number. */
export interface NumberedRequest {
  readonly id: number
  readonly request: Request
}

/** Reads a request; throws a `RangeError` when it is malformed, and gives no request when its type is unknown. */
export function readRequest(packet: Buffer): { readonly id: number; readonly request: Request | undefined } {
  const reader = new PacketReader(packet)
  const type = reader.byte()
  const id = reader.uint32()
  if (type === PACKET.EXTENDED) {
    const extension = reader.text()
    const fields = packet.subarray(9 + extension.length)
    return { id, request: { operation: 'EXTENDED', extension, fields } }
  }
  const operation = (REQUESTS as ReadonlyMap<number, Exclude<Request['operation'], 'EXTENDED'>>).get(type)
  return { id, request: operation === undefined ? undefined : fieldsOf(operation, reader) }
}

function fieldsOf(operation: Exclude<Request['operation'], 'EXTENDED'>, reader: PacketReader): Request {
  const first = reader.text()
  switch (operation) {
    case 'CLOSE':
    case 'FSTAT':
    case 'READDIR':
      return { operation, handle: first }
    case 'OPEN':
      return { operation, path: first, flags: reader.uint32(), attributes: reader.attributes() }
    case 'READ':
      return { operation, handle: first, offset: reader.uint64(), length: reader.uint32() }
    case 'WRITE':
      return { operation, handle: first, offset: reader.uint64(), data: reader.data() }
    case 'SETSTAT':
    case 'MKDIR':
      return { operation, path: first, attributes: reader.attributes() }
    case 'FSETSTAT':
      return { operation, handle: first, attributes: reader.attributes() }
    case 'RENAME':
    case 'SYMLINK':
      return { operation, path: first, to: reader.text() }
    default:
      return { operation, path: first }
  }
}
