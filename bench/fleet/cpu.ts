/** Processor time of processes, by Linux's /proc. */
import { readdirSync, readFileSync } from 'node:fs'

/** Ticks of a second; Linux has 100 everywhere. */
const TICKS = 100

interface Stat {
  readonly parent: number
  /** Seconds of user and system time; `ofEnded`: of its children that have ended. */
  readonly own: number
  readonly ofEnded: number
}

function statOf(pid: number | string): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const words = text.slice(text.lastIndexOf(')') + 2).split(' ')
    const [user, system, endedUser, endedSystem] = words.slice(11, 15).map(Number) as [number, number, number, number]
    return { parent: Number(words[1]), own: (user + system) / TICKS, ofEnded: (endedUser + endedSystem) / TICKS }
  } catch {
    return undefined
  }
}

/** Seconds of user and system time of a process; undefined once it has ended. */
export function cpuSecs(pid: number): number | undefined {
  return statOf(pid)?.own
}

/** Seconds of user and system time of a process and of all its children, those that have ended included. */
export function familyCpuSecs(pid: number): number {
  const own = statOf(pid)
  if (own === undefined) return 0
  const children = readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(statOf)
    .filter(stat => stat?.parent === pid)
  return own.own + own.ofEnded + children.reduce((sum, stat) => sum + stat!.own + stat!.ofEnded, 0)
}
