/** Any operations of one client have the same results over two storages as over one that began with the files of both. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MemoryStorage } from '../../../src/backends/memory/index.ts'
import { MigratingStorage } from '../../../src/backends/migrating/index.ts'
import { isStorageError } from '../../../src/core/errors.ts'
import type { AnyStorage } from '../../../src/storage/storage.ts'
import { isFull } from '../../support/sampled.ts'
import { MODES, type Mode, NOWHERE } from './support.ts'

const NAMES = ['a', 'b', 'c', 'd/a', 'd/b', 'd/\u{1f4c1}', 'e/f/a', 'e/f/\uffee'] as const
const FOLDERS = ['', 'd', 'e', 'e/f', 'missing'] as const
const name = fc.constantFrom(...NAMES)
const folder = fc.constantFrom(...FOLDERS)
const overwrite = fc.boolean()

const step = fc.oneof(
  fc.record({ do: fc.constant('save' as const), name, overwrite }),
  fc.record({ do: fc.constant('saveNew' as const), name }),
  fc.record({ do: fc.constantFrom('remember' as const, 'saveIfMatch' as const, 'deleteIfMatch' as const), name }),
  fc.record({ do: fc.constantFrom('read' as const, 'part' as const, 'stat' as const, 'exists' as const), name }),
  fc.record({ do: fc.constantFrom('delete' as const, 'write' as const, 'append' as const, 'change' as const), name }),
  fc.record({
    do: fc.constantFrom('create' as const, 'upload' as const, 'available' as const, 'checksum' as const),
    name,
  }),
  fc.record({ do: fc.constantFrom('copy' as const, 'move' as const), name, to: name, overwrite }),
  fc.record({ do: fc.constant('deleteMany' as const), names: fc.uniqueArray(name, { maxLength: 4 }) }),
  fc.record({ do: fc.constant('deleteAll' as const), folder: fc.constantFrom('d', 'e', 'e/f') }),
  fc.record({ do: fc.constantFrom('listdir' as const, 'moveAll' as const), folder }),
  fc.record({
    do: fc.constant('pages' as const),
    folder,
    limit: fc.integer({ min: 1, max: 4 }),
    recursive: fc.boolean(),
  }),
  fc.record({ do: fc.constant('range' as const), startAfter: name, until: name }),
  fc.record({ do: fc.constant('settle' as const) }),
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

/** A storage, and what its client remembers of it. */
class Client {
  readonly storage: AnyStorage
  readonly #etags = new Map<string, string | undefined>()
  #versions = 0

  constructor(storage: AnyStorage) {
    this.storage = storage
  }

  /** The result of a step, or the code of its error. */
  async take(step: Step): Promise<unknown> {
    try {
      return await this.#do(step)
    } catch (error) {
      if (isStorageError(error) && error.code !== 'unknown') return `error ${error.code}`
      throw error
    }
  }

  get #text(): string {
    return `version ${++this.#versions}`
  }

  async #do(step: Step): Promise<unknown> {
    const { storage } = this
    switch (step.do) {
      case 'save': {
        const attributes = { contentType: 'text/x-own', cacheControl: 'no-cache', metadata: { by: this.#text } }
        return storage.save(step.name, this.#text, { overwrite: step.overwrite, ...attributes })
      }
      case 'saveNew':
        return storage.save(step.name, this.#text, { ifAbsent: true })
      case 'remember':
        this.#etags.delete(step.name)
        this.#etags.set(step.name, (await storage.stat(step.name)).etag)
        return undefined
      case 'saveIfMatch':
        return storage.save(step.name, this.#text, { ifMatch: this.#etags.get(step.name) ?? 'no etag' })
      case 'deleteIfMatch':
        return storage.delete(step.name, { ifMatch: this.#etags.get(step.name) ?? 'no etag' })
      case 'read':
        return storage.readText(step.name)
      case 'part':
        return storage.readText(step.name, { start: 2, length: 6 })
      case 'stat': {
        const { size, contentType, cacheControl, metadata, isDirectory } = await storage.stat(step.name)
        return { size, contentType, cacheControl, metadata, isDirectory }
      }
      case 'exists':
        return storage.exists(step.name)
      case 'delete':
        return storage.delete(step.name)
      case 'write':
        return storage.edit(step.name, 'w', file => file.write(this.#text))
      case 'append':
        return storage.edit(step.name, 'a', file => file.write(this.#text))
      case 'change':
        return storage.edit(step.name, 'r+', async file => {
          const first = await file.read(3)
          await file.write(this.#text)
          return String(first)
        })
      case 'create':
        return storage.edit(step.name, 'x', file => file.write(this.#text))
      case 'upload': {
        await using upload = await storage.openUpload(step.name, { overwrite: true, contentType: 'text/x-part' })
        await upload.send(this.#text)
        return upload.complete()
      }
      case 'available':
        return storage.getAvailableName(step.name)
      case 'checksum':
        return storage.checksum(step.name, 'sha256')
      case 'copy':
      case 'move':
        return storage[step.do](step.name, step.to, { overwrite: step.overwrite })
      case 'deleteMany':
        return storage.deleteMany(step.names)
      case 'deleteAll':
        return storage.deleteAll(step.folder)
      case 'moveAll':
        return storage.moveAll(step.folder, 'd', { overwrite: true })
      case 'listdir':
        return storage.listdir(step.folder)
      case 'pages':
        return this.#pages(step.folder, step.limit, step.recursive)
      case 'range': {
        const { startAfter, until } = step
        return names(storage.entries('', { recursive: true, startAfter, until }))
      }
      case 'settle':
        if (storage instanceof MigratingStorage) await storage.whenCopied()
        return undefined
    }
  }

  async #pages(folder: string, limit: number, recursive: boolean): Promise<readonly string[]> {
    const found: string[] = []
    let token: string | undefined
    do {
      const page = await this.storage.page(folder, { limit, recursive, token })
      expect(page.entries.length).toBeLessThanOrEqual(limit)
      found.push(...page.entries.map(({ name, size, isDirectory }) => `${name} ${isDirectory ? '/' : size}`))
      token = page.next
    } while (token !== undefined)
    return found.sort()
  }
}

async function names(entries: AsyncIterable<{ readonly name: string; readonly size: number }>): Promise<string[]> {
  const found: string[] = []
  for await (const { name, size } of entries) found.push(`${name} ${size}`)
  return found
}

async function contents(storage: AnyStorage): Promise<Record<string, unknown>> {
  const files: Record<string, unknown> = {}
  for await (const entry of storage.entries('', { recursive: true })) {
    const { contentType, cacheControl, metadata } = await storage.stat(entry)
    files[entry.name] = { text: await storage.readText(entry), contentType, cacheControl, metadata }
  }
  return files
}

const where = fc.record(Object.fromEntries(NAMES.map(each => [each, fc.constantFrom('none', 'from', 'to', 'both')])))

async function holds(mode: Mode, places: Record<string, string>, steps: readonly Step[]): Promise<void> {
  const options = { nameStrategy: 'underscore' } as const
  const [from, to, one] = [1, 2, 3].map(() => new MemoryStorage(options, NOWHERE))
  // Two storages that are not read both have the same files: the state after a migration.
  const isEqual = mode.read === 'from' || mode.read === 'to'
  for (const [each, place] of Object.entries(places)) {
    if (place === 'none') continue
    const attributes = { cacheControl: `max-age=${each.length}`, metadata: { of: place } }
    if (isEqual || place !== 'to') await from!.save(each, isEqual ? 'same' : `old ${each}`, attributes)
    if (isEqual || place !== 'from') await to!.save(each, isEqual ? 'same' : `new ${each}`, attributes)
    await one!.save(each, isEqual ? 'same' : place === 'from' ? `old ${each}` : `new ${each}`, attributes)
  }
  const both = new MigratingStorage({ ...options, ...mode, from: from!, to: to! }, NOWHERE)
  const [subject, model] = [new Client(both), new Client(one!)]
  for (const [index, step] of steps.entries()) {
    const [found, wanted] = [await subject.take(step), await model.take(step)]
    expect({ index, step, result: found }).toEqual({ index, step, result: wanted })
  }
  expect(await contents(both)).toEqual(await contents(one!))
  await both.close()
  expect(both.lateCopies.pending).toBe(0)
  expect(both.lateCopies.failed).toBe(0)
  expect(await contents(both)).toEqual(await contents(one!))
  if (isEqual) expect(await contents(from!)).toEqual(await contents(to!))
}

describe('one client over two storages', () => {
  it.each(MODES)('sees what it would see over one: %j', async mode => {
    await fc.assert(
      fc.asyncProperty(where, fc.array(step, { maxLength: 25, minLength: 3 }), (places, steps) =>
        holds(mode, places, steps as Step[]),
      ),
      { numRuns: isFull ? 1500 : 40 },
    )
  })
})
