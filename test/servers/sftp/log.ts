/** What an SFTP server was asked. */
import { PacketReader } from './packet.ts'
import type { Attributes } from './protocol.ts'
import type { Request } from './request.ts'

/** One request as it was answered. */
export interface LoggedSftpRequest {
  /** Name in the draft, or the name of the extension. */
  readonly operation: string
  /** As its client gave it, or by which its handle was opened; '' where there is none. */
  readonly path: string
  /** The second path of RENAME and SYMLINK, and of the extensions that have two. */
  readonly to?: string
  /** Of READ and WRITE. */
  readonly offset?: number
  /** Bytes that READ asked for, or that WRITE brought. */
  readonly length?: number
  /** Of OPEN. */
  readonly flags?: number
  /** Of OPEN, SETSTAT, FSETSTAT and MKDIR. */
  readonly attributes?: Attributes
  /** Counts the channels of all connections, from 1. */
  readonly session: number
  /** How many requests of the session were unanswered, this one included. */
  readonly pending: number
  /** The code of its STATUS, the type of another answer, or what was done in place of one. */
  result: string
}

const TWO_PATHS: readonly string[] = ['posix-rename@openssh.com', 'hardlink@openssh.com']

export class SftpLog {
  readonly requests: LoggedSftpRequest[] = []

  add(request: Request, named: Pick<LoggedSftpRequest, 'operation' | 'path' | 'session' | 'pending'>) {
    const entry: LoggedSftpRequest = { ...named, ...detailsOf(request), result: 'none' }
    this.requests.push(entry)
    return entry
  }

  /** Requests of these operations. */
  of(...operations: readonly string[]): readonly LoggedSftpRequest[] {
    return this.requests.filter(({ operation }) => operations.includes(operation))
  }

  /** How many requests of these operations came. */
  count(...operations: readonly string[]): number {
    return this.of(...operations).length
  }

  clear(): void {
    this.requests.length = 0
  }
}

function detailsOf(request: Request): Partial<LoggedSftpRequest> {
  switch (request.operation) {
    case 'READ':
      return { offset: request.offset, length: request.length }
    case 'WRITE':
      return { offset: request.offset, length: request.data.length }
    case 'OPEN':
      return { flags: request.flags, attributes: request.attributes }
    case 'SETSTAT':
    case 'FSETSTAT':
    case 'MKDIR':
      return { attributes: request.attributes }
    case 'RENAME':
    case 'SYMLINK':
      return { to: shownName(request.to) }
    case 'EXTENDED':
      return TWO_PATHS.includes(request.extension) ? { to: secondPath(request.fields) } : {}
    default:
      return {}
  }
}

function secondPath(fields: Buffer): string {
  const reader = new PacketReader(fields)
  reader.text()
  return shownName(reader.text())
}

/** A name of bytes as text. */
export function shownName(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8')
}

/** A text as a name of bytes. */
export function nameBytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}
