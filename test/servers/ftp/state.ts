/** What all sessions of a server share. */
import type { Socket } from 'node:net'
import type { FtpFaults, FtpHold } from './faults.ts'
import type { Manners } from './manners.ts'
import type { Session } from './session.ts'
import type { LoggedTransfer } from './transfer.ts'
import type { Tree } from './tree.ts'

/** A command as it came, and its replies. */
export interface LoggedCommand {
  readonly connection: number
  /** In capitals. */
  readonly verb: string
  readonly argument: string
  /** All that was said to it so far. */
  readonly replies: readonly string[]
  /** The representation type when it came. */
  readonly type: 'A' | 'I'
  readonly isSecure: boolean
}

/** A server as its sessions see it. */
export interface ServerState {
  readonly manners: Manners
  readonly tree: Tree
  readonly faults: FtpFaults
  readonly log: LoggedCommand[]
  readonly transfers: LoggedTransfer[]
  readonly sessions: Set<Session>
  /** A name as tests write it: bytes read as UTF-8 where they are that. */
  shown(bytes: string): string
  /** Waits as a planned hold says. */
  held(fault: FtpHold): Promise<unknown>
  /** Takes notice of a data connection, so that it can be ended with the server. */
  keep(socket: Socket): void
}
