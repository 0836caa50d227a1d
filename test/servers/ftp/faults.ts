/** What goes wrong with one FTP command: the vocabulary of all faults where it fits, and what only two connections can do. */
import type { Close, Garbage, Hold, Moment, Refuse, Stall } from '../../faults/faults.ts'
import { FaultList, type Keyed } from '../strict/faults.ts'

/** One command as faults are planned for it; its `key` is the argument. */
export interface FtpRequest extends Keyed {
  readonly key: string
  /** Which control connection it came by, from 1. */
  readonly connection: number
}

/** Breaks both connections: at once, or when so many bytes of the transfer have gone either way; `after` in place of the last reply. */
export interface FtpDrop {
  readonly do: 'drop'
  readonly at?: Moment
  readonly bytes?: number
}

/** Ends the data connection when so many bytes of the transfer have gone either way. */
export interface FtpCut {
  readonly do: 'cut'
  readonly bytes: number
  /** By a reset instead of an orderly end. */
  readonly reset?: boolean
  /** By bytes that are no TLS; where `wantsCloseNotify` is on. */
  readonly garbage?: boolean
  /** What is said then; default 426, and null says nothing. */
  readonly reply?: string | null
}

/** As a cut, but the data connection stays open: nothing more is sent, or read. */
export interface FtpStall extends Stall {
  /** Called as soon as nothing moves any more. */
  readonly onStall?: () => void
  /** After which it goes on; default never. */
  readonly until?: Promise<unknown>
}

/** Does nothing until a promise resolves, where one is given. */
export interface FtpHold extends Hold {
  readonly until?: Promise<unknown>
}

/** Answers an error; `status` is FTP's code, `body` the text. */
export interface FtpRefuse extends Omit<Refuse, 'headers' | 'code'> {
  /** Whether the control connection is reset after the reply, or `instead` of it. */
  readonly reset?: 'after' | 'instead'
}

/** Answers what is not true: before the work nothing is done, and the reply is made of an empty text. */
export interface FtpLie {
  readonly do: 'lie'
  readonly at?: Moment
  /** Makes the last reply of the true one; without it the true one is sent. */
  readonly reply?: (truth: string) => string
  /** Makes what is sent, or stored, of the true bytes; the work is done then. */
  readonly data?: (truth: Buffer) => Buffer
}

/** One thing that goes wrong. */
export type FtpFault = FtpDrop | FtpCut | FtpStall | FtpHold | FtpRefuse | Garbage | Close | FtpLie

/** The faults to come; `operation` is the command's name. */
export class FtpFaults extends FaultList<FtpRequest, FtpFault> {}

/** Whether a fault strikes before the work: `data` of a lie is for the transfer itself. */
export function isEarly(fault: FtpFault): boolean {
  if (!('at' in fault) || fault.at === undefined) {
    if (fault.do === 'drop') return fault.bytes === undefined
    return !['cut', 'stall', 'close'].includes(fault.do) && !(fault.do === 'lie' && fault.data !== undefined)
  }
  return fault.at === 'before'
}
