/** The program that is killed: it makes rows, and stops each of the writes that it is told to begin at its step. */
import { AFTER_COMMIT, BEFORE_COMMIT, type Crash, type CrashStep, stopAt } from './crash-steps.ts'
import type { Id, OrmGround } from './ground.ts'
import { OrmPlace } from './place.ts'

/** Opens a database that may be there already: a file of SQLite in a folder, or a URL. */
export type OpenGround<Tx> = (place: OrmPlace, database: string) => Promise<OrmGround<Tx>>

/**
 * What `test/orm/NAME/crash.child.ts` calls, and nothing else; `open` is the same function that the test gives to `ormCrashes`.
 * @example
 * await crashChild((place, database) => startPlain(sqlite(database), place))
 */
export async function crashChild<Tx>(open: OpenGround<Tx>): Promise<void> {
  const [folder, database, letters] = process.argv.slice(2) as [string, string, string]
  const all: Readonly<Record<string, CrashStep>> = { ...AFTER_COMMIT, ...BEFORE_COMMIT }
  const steps = Object.fromEntries([...letters].map(letter => [letter, all[letter]!]))
  const place = new OrmPlace('random', false, folder)
  const ground = await open(place, database)
  const keys = new Map<string, Id[]>()
  for (const [letter, { rows }] of Object.entries(steps)) {
    const ids: Id[] = []
    for (const { title, pdf, photo } of rows) {
      const files = { ...(pdf && { pdf: fileOf(pdf) }), ...(photo && { photo: fileOf(photo) }) }
      ids.push(await ground.create({ title, ...files }))
    }
    keys.set(letter, ids)
  }
  const waiting = new Map<string, () => void>()
  const stopped = (letter: string): Promise<never> => {
    waiting.get(letter)!()
    return new Promise<never>(() => {})
  }
  stopAt(place, steps, stopped)
  // Waits for nothing else than a signal.
  setInterval(() => {}, 60_000)
  for (const [letter, { write }] of Object.entries(steps)) {
    const stands = new Promise<void>(resolve => waiting.set(letter, resolve))
    const stop = (): Promise<never> => stopped(letter)
    const crash: Crash<Tx> = { ground, ids: keys.get(letter)!, file: fileOf, half: name => halfOf(name, stop), stop }
    const ended = write(crash).then(() => {
      throw new Error(`${letter} did not stop`)
    })
    await Promise.race([stands, ended])
  }
  process.stdout.write('all stand still\n')
}

const fileOf = (name: string): File => new File([name], name)

function halfOf(name: string, stop: () => Promise<never>): File {
  const file = fileOf(name)
  // A File is what has a name of its own; its bytes come from here.
  Object.defineProperty(file, 'stream', {
    value: () =>
      new ReadableStream({
        start: controller => controller.enqueue(Buffer.alloc(100_000)),
        pull: () => stop(),
      }),
  })
  return file
}
