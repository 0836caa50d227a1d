/** Resumable uploads that are under way, and those that ended (https://cloud.google.com/storage/docs/performing-resumable-uploads). */
import { randomBytes } from 'node:crypto'
import type { Refusal } from '../strict/answer.ts'
import type { Expected } from './checksums.ts'
import type { Identity, OperationContext } from './context.ts'
import { GcsError } from './errors.ts'
import type { StoredObject } from './store.ts'
import type { ObjectWrite } from './write.ts'

/** Bytes of which a part that is not the last is a multiple. */
export const QUANTUM: number = 256 * 1024

/** One resumable upload. */
export interface Session {
  readonly id: string
  readonly bucket: string
  readonly name: string
  readonly write: ObjectWrite
  readonly expected: readonly Expected[]
  readonly identity: Identity
  /** The request that started it, for its `fields` and `projection`. */
  readonly started: OperationContext['request']
  /** Bytes that `X-Upload-Content-Length` announced. */
  readonly announced: number | undefined
  readonly chunks: Buffer[]
  /** Bytes that are stored. */
  size: number
  /** Known once a part told it. */
  total: number | undefined
  done: StoredObject | undefined
  /** What every later request to the session gets. */
  ended: Refusal | undefined
}

/** All sessions of a server. */
export class SessionList {
  readonly #sessions = new Map<string, Session>()

  /** Starts one. */
  start(one: Pick<Session, 'bucket' | 'name' | 'write' | 'expected' | 'identity' | 'started' | 'announced'>): Session {
    const id = `ABPnz${randomBytes(48).toString('base64url')}`
    const session: Session = { ...one, id, chunks: [], size: 0, total: undefined, done: undefined, ended: undefined }
    this.#sessions.set(id, session)
    return session
  }

  /** The session with this id, whatever became of it. */
  peek(id: string | undefined): Session | undefined {
    return id === undefined ? undefined : this.#sessions.get(id)
  }

  /** The session with this id; 404 for an unknown one, and what it ended with for an ended one. */
  need(id: string | undefined): Session {
    const session = this.peek(id)
    if (session === undefined)
      throw new GcsError(404, 'notFound', 'Not Found', { plain: 'Not Found', xml: 'NoSuchUpload' })
    if (session.ended !== undefined) throw session.ended
    return session
  }

  /** Sessions that were neither finished nor ended. */
  get open(): readonly Session[] {
    return [...this.#sessions.values()].filter(one => one.done === undefined && one.ended === undefined)
  }

  /** Ends all open sessions as a week does: 410 from now on. Returns how many. */
  expireAll(): number {
    const { open } = this
    for (const session of open) end(session)
    return open.length
  }
}

/** Ends a session: 410 from now on. */
export function end(session: Session): void {
  session.chunks.length = 0
  session.ended = new GcsError(410, 'gone', 'The upload session is gone.', { plain: 'Gone', xml: 'NoSuchUpload' })
}

/** Keeps the bytes that came. */
export function keep(session: Session, bytes: Buffer): void {
  if (bytes.length === 0) return
  session.chunks.push(Buffer.from(bytes))
  session.size += bytes.length
}
