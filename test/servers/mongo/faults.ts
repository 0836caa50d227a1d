import { MongoRefusal } from './errors.ts'

/** What goes wrong with a command. */
export interface MongoFault {
  /** The command: `insert`, `commitTransaction`. */
  readonly command: string
  /** How many of these commands go well before; default 0. */
  readonly skip?: number
  /** How many go wrong; default 1. */
  readonly times?: number
  /** Whether the command is carried out all the same; default false. */
  readonly isDone?: boolean
  /** The code of the error; without one the connection is closed. */
  readonly code?: number
  readonly message?: string
  readonly labels?: readonly string[]
  /** Ends when the command may go on; the fault is that it is late. */
  readonly until?: Promise<unknown>
}

interface Pending {
  readonly fault: MongoFault
  skip: number
  times: number
}

/** What goes wrong next. */
export class MongoFaults {
  readonly #pending: Pending[] = []

  add(fault: MongoFault): void {
    this.#pending.push({ fault, skip: fault.skip ?? 0, times: fault.times ?? 1 })
  }

  clear(): void {
    this.#pending.length = 0
  }

  /** The fault of this command, if any. */
  next(command: string): MongoFault | undefined {
    const pending = this.#pending.find(one => one.fault.command === command)
    if (pending === undefined) return undefined
    if (pending.skip > 0) {
      pending.skip -= 1
      return undefined
    }
    pending.times -= 1
    if (pending.times <= 0) this.#pending.splice(this.#pending.indexOf(pending), 1)
    return pending.fault
  }
}

/** The error of a fault. */
export function faultError({
  command,
  code = 0,
  message = `a fault of ${command}`,
  labels = [],
}: MongoFault): MongoRefusal {
  return new MongoRefusal(code, message, { labels })
}
