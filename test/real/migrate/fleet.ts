/** A migration by several worker processes, one of which is killed and started anew all the time. */
import { setTimeout as sleep } from 'node:timers/promises'
import { seeded } from '../../oracles/seeded.ts'
import type { Child, Ended } from '../../support/child.ts'
import type { Commands } from './commands.ts'

/** Milliseconds between two looks for workers that have ended by themselves. */
const LOOK_MS = 200

/** How a fleet works. */
export interface FleetOptions {
  /** The database of the ledger and the queue. */
  readonly url: string
  readonly workers: number
  readonly kill: KillRate
  readonly seed: number
  /** Seconds after which the migration counts as one that gets nowhere; default 600. */
  readonly mostSecs?: number
}

/** A worker is killed after so many milliseconds, and not before so many uploads have been sent since the last one: so the work goes on at any speed. */
export interface KillRate {
  readonly everyMs: number
  readonly everyUploads: number
  /** Number of uploads that were sent. */
  uploads(): number
}

/** What came of it. */
export interface FleetEnd {
  /** The process that planned the migration and watched it. */
  readonly ended: Ended
  readonly kills: number
  /** Workers that ended though they were not killed, with what they printed. */
  readonly strayed: readonly string[]
  readonly secs: number
}

/** Runs `holdall migrate` with these words, which only plans and watches, beside workers that are killed, until it ends. */
export async function killedFleet(
  commands: Commands,
  words: readonly string[],
  { url, workers, kill, seed, mostSecs = 600 }: FleetOptions,
): Promise<FleetEnd> {
  const random = seeded(seed)
  const startWorker = (): Child => commands.start('migrate', 'worker', '--fleet', url)
  const strayed: string[] = []
  let kills = 0
  const start = performance.now()
  const team = Array.from({ length: workers }, startWorker)
  await using watcher = commands.start(...words, '--fleet', url, '--no-work')
  let ended: Ended | undefined
  const end = watcher.ended.then(how => {
    ended = how
  })
  try {
    let nextKill = start + kill.everyMs
    let nextUploads = kill.everyUploads
    while (ended === undefined) {
      await Promise.race([end, sleep(LOOK_MS)])
      for (const [index, { process: child }] of team.entries()) {
        if (child.exitCode === null && child.signalCode === null) continue
        const { code, signal, stderr } = await team[index]!.ended
        strayed.push(`${code ?? signal}: ${stderr.slice(-1000)}`)
        team[index] = startWorker()
      }
      if (performance.now() - start > mostSecs * 1000) {
        strayed.push(`the migration is not done after ${mostSecs} s`)
        await watcher.kill('SIGKILL')
      }
      if (ended !== undefined || performance.now() < nextKill || kill.uploads() < nextUploads) continue
      const index = Math.floor(random() * workers)
      await team[index]!.kill('SIGKILL')
      kills++
      team[index] = startWorker()
      nextKill = Math.max(performance.now(), nextKill + kill.everyMs)
      nextUploads = kill.uploads() + kill.everyUploads
    }
  } finally {
    const last = await Promise.all(team.map(child => child.kill('SIGTERM')))
    for (const { code, signal, stderr } of last) {
      // 128 + SIGTERM. One that has just begun does not yet listen to signals.
      const isGood = code === 143 || signal === 'SIGTERM'
      if (!isGood) strayed.push(`${code ?? signal}: ${stderr.slice(-1000)}`)
    }
  }
  return { ended: ended!, kills, strayed, secs: (performance.now() - start) / 1000 }
}
