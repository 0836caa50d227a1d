/** Upload sessions: bytes that are no file yet. */
import { randomBytes } from 'node:crypto'
import { BLOCK } from './content-hash.ts'

/** One upload session. */
export interface Session {
  readonly id: string
  readonly type: 'sequential' | 'concurrent'
  /** Pieces by their offsets. */
  readonly pieces: Map<number, Buffer>
  /** Bytes that came one after another from the start. */
  size: number
  closed: boolean
  /** Whether it has become a file. */
  committed: boolean
}

/** All sessions of a server. */
export class SessionList {
  readonly #sessions = new Map<string, Session>()

  start(type: Session['type']): Session {
    const id = `pid_upload_session:${randomBytes(30).toString('base64url')}`
    const session: Session = { id, type, pieces: new Map(), size: 0, closed: false, committed: false }
    this.#sessions.set(id, session)
    return session
  }

  find(id: string): Session | undefined {
    return this.#sessions.get(id)
  }

  /** Sessions that have not become files. */
  get open(): readonly Session[] {
    return [...this.#sessions.values()].filter(one => !one.committed)
  }

  /** Forgets one, or all, as seven days do. */
  expire(id?: string): void {
    if (id === undefined) this.#sessions.clear()
    else this.#sessions.delete(id)
  }
}

/** Keeps bytes behind those that are there. */
export function keep(session: Session, bytes: Buffer): void {
  if (bytes.length === 0) return
  session.pieces.set(session.size, Buffer.from(bytes))
  session.size += bytes.length
}

/** Keeps a piece of a concurrent session; the same one may come again. */
export function keepAt(session: Session, offset: number, bytes: Buffer): void {
  session.pieces.set(offset, Buffer.from(bytes))
  session.size = 0
  for (;;) {
    const piece = session.pieces.get(session.size)
    if (piece === undefined || piece.length === 0) return
    session.size += piece.length
  }
}

/** All bytes in their order; undefined where some are missing. */
export function bytesOf(session: Session): Buffer | undefined {
  const pieces = [...session.pieces].sort(([a], [b]) => a - b)
  let at = 0
  for (const [offset, piece] of pieces) {
    if (offset !== at) return undefined
    at += piece.length
  }
  return Buffer.concat(pieces.map(([, piece]) => piece))
}

/** Whether a number is one that a piece of a concurrent session may begin at, or be long. */
export function isAligned(bytes: number): boolean {
  return bytes % BLOCK === 0
}
