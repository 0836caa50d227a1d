import { Readable } from 'node:stream'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect } from 'vitest'
import { claimedCount } from '../../../src/fields/claims.ts'
import { type FieldFile, type FileValue, upload } from '../../../src/fields/index.ts'
import { isStorageError, type StorageError } from '../../../src/index.ts'
import type { Id, OptionalPart, OrmGround, ResumeRow } from './ground.ts'
import { type Naming, OrmPlace } from './place.ts'

export type StartGround<Tx> = (place: OrmPlace) => Promise<OrmGround<Tx>>

/** A ground that runs, and what tests ask of it again and again. */
export class Kit<Tx> {
  #place: OrmPlace | undefined
  #ground: OrmGround<Tx> | undefined

  get place(): OrmPlace {
    return this.#place!
  }

  get ground(): OrmGround<Tx> {
    return this.#ground!
  }

  /** Starts a ground for the tests that `define` makes, empties it before each, and sees after all that nothing stays registered. */
  static describe<Tx>(
    title: string,
    start: StartGround<Tx>,
    place: { readonly naming: Naming; readonly namesByRow?: boolean },
    define: (kit: Kit<Tx>) => void,
  ): void {
    describe(title, () => {
      const kit = new Kit<Tx>()
      beforeAll(async () => {
        kit.#place = new OrmPlace(place.naming, place.namesByRow)
        kit.#ground = await start(kit.place)
      })
      beforeEach(async () => {
        await kit.ground.clear()
        await kit.place.reset()
      })
      const unhandled: unknown[] = []
      const note = (error: unknown): void => void unhandled.push(error)
      beforeAll(() => void process.on('unhandledRejection', note))
      let claimed = 0
      beforeEach(() => void (claimed = claimedCount()))
      afterEach(() => {
        expect(unhandled.splice(0)).toEqual([])
        expect(claimedCount(), 'files that a write or a transaction still holds').toBe(claimed)
      })
      afterAll(async () => {
        process.off('unhandledRejection', note)
        await kit.ground.close()
        expect([...kit.place.registry.users].map(({ label }) => label)).toEqual([])
      })
      define(kit)
    })
  }

  /** The part, or undefined where the ORM lacks it. */
  part<P extends OptionalPart>(name: P): Bound<OrmGround<Tx>[P]> | undefined {
    const found = this.ground[name] as ((...args: never[]) => unknown) | undefined
    return found?.bind(this.ground) as Bound<OrmGround<Tx>[P]> | undefined
  }

  /** The row, which must be there. */
  async row(id: Id, tx?: Tx): Promise<ResumeRow> {
    const row = await this.ground.find(id, tx)
    expect(row, `row ${id}`).toBeTruthy()
    return row!
  }

  /** The name of the row's file, which must be there. */
  async name(id: Id, attribute: 'pdf' | 'photo' = 'pdf', tx?: Tx): Promise<string> {
    return fileIn(await this.row(id, tx), attribute).name!
  }

  /** What the row's file says. */
  async text(id: Id, attribute: 'pdf' | 'photo' = 'pdf'): Promise<string> {
    return `${await fileIn(await this.row(id), attribute).read()}`
  }

  exists(name: string): Promise<boolean> {
    return this.place.storage.exists(name)
  }

  /** There are exactly the files that rows name. */
  async exact(): Promise<string[]> {
    const names = [...new Set((await this.ground.names()).filter(name => name !== ''))].sort()
    expect(await this.place.files()).toEqual(names)
    return names
  }

  /** There are exactly the files that rows name, and as many rows and files as said. */
  async counts(rows: number, files: number): Promise<void> {
    expect((await this.ground.titles()).length, 'rows').toBe(rows)
    expect((await this.exact()).length, 'files').toBe(files)
  }

  /** The state of all rows and files, for comparisons before and after. */
  async state(): Promise<object> {
    const files = await this.place.files()
    const texts = await Promise.all(files.map(name => this.place.storage.readText(name)))
    const names = [...(await this.ground.names())].sort()
    return {
      titles: [...(await this.ground.titles())].sort(),
      names,
      files: files.map((name, at) => [name, texts[at]]),
    }
  }
}

type Bound<F> = Exclude<F, undefined>

/** Content of its own for a file `NAME.txt`. */
export function content(name: string, text: string = name): FileValue {
  return upload(Buffer.from(text), `${name}.txt`)
}

/** The file of a row, which must be one. */
export function fileIn(row: ResumeRow, attribute: 'pdf' | 'photo'): FieldFile {
  const file = row[attribute]
  expect(file?.isEmpty, `${attribute} of row ${row.id}`).toBe(false)
  return file!
}

/** Whether the row has no file: an empty one, or null. */
export function hasNone(row: ResumeRow, attribute: 'pdf' | 'photo'): boolean {
  return row[attribute]?.isEmpty ?? row[attribute] === null
}

/** What was thrown, which must be something; `causes` of it are looked through for a `StorageError`. */
export async function failure(work: Promise<unknown>): Promise<unknown> {
  let failed: { readonly error: unknown } | undefined
  await work.catch((error: unknown) => {
    failed = { error }
  })
  expect(failed, 'it should have failed').toBeDefined()
  return failed!.error
}

/** The `StorageError` that an error is, or that an ORM has wrapped. */
export function storageErrorIn(error: unknown): StorageError | undefined {
  for (let each = error, depth = 0; depth < 6 && typeof each === 'object' && each !== null; depth++) {
    if (isStorageError(each)) return each
    each = (each as { readonly cause?: unknown }).cause
  }
  return undefined
}

/** A stream that breaks after some bytes. */
export function brokenStream(): Readable {
  return Readable.from(
    (async function* () {
      yield Buffer.from('begin')
      throw new Error('the stream broke')
    })(),
  )
}

/** A moment in which everything that is ready runs. */
export async function turns(count = 5): Promise<void> {
  for (let n = 0; n < count; n++) await new Promise(resolve => setImmediate(resolve))
}
