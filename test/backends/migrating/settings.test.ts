/** The two storages by aliases, storages and functions, and what is refused at once. */
import { describe, expect, it } from 'vitest'
import { MemoryStorage } from '../../../src/backends/memory/index.ts'
import { MigratingStorage } from '../../../src/backends/migrating/index.ts'
import { type HoldallSettings, overrideSettings, type StorageConfig } from '../../../src/config/configure.ts'
import { storages } from '../../../src/config/storages.ts'
import { NOWHERE } from './support.ts'

const memory = (): MemoryStorage => new MemoryStorage({}, NOWHERE)
const media = (
  options: Readonly<Record<string, unknown>>,
  more: Readonly<Record<string, StorageConfig>> = {},
): HoldallSettings => ({
  STORAGES: {
    old: { BACKEND: 'memory' },
    new: { BACKEND: 'memory', OPTIONS: { fileOverwrite: true } },
    media: { BACKEND: MigratingStorage, OPTIONS: options },
    ...more,
  },
})

describe('settings', () => {
  it('name the storages by aliases, which are those of the configuration', async () => {
    await overrideSettings(media({ from: 'old', to: 'new', copy_on_read: true }), async () => {
      const storage = storages.get('media') as MigratingStorage
      expect([storage.from, storage.to]).toEqual([storages.get('old'), storages.get('new')])
      expect(storage.from).toBe(storages.get('old'))
      expect(storage.options).toMatchObject({ copyOnRead: true, fileOverwrite: true, maxAttempts: 1 })
      expect(JSON.parse(JSON.stringify(storage)).options).toMatchObject({ from: 'old', to: 'new' })
      await storages.get('old').save('a', 'old')
      expect(await storage.readText('a')).toBe('old')
    })
  })

  it('may also have storages and functions', async () => {
    const from = memory()
    await from.save('a', 'old')
    await overrideSettings(media({ from, to: () => storages.get('new') }), async () => {
      expect(await storages.get('media').readText('a')).toBe('old')
    })
  })

  it('of an override get the storages of the override', async () => {
    await overrideSettings(media({ from: 'old', to: 'new' }), async () => {
      await storages.get('media').save('a', 'text')
      await overrideSettings(media({ from: 'old', to: 'new' }), async () => {
        expect((storages.get('media') as MigratingStorage).to).toBe(storages.get('new'))
        expect(await storages.get('media').exists('a')).toBe(await storages.get('new').exists('a'))
      })
    })
  })

  const refused: ReadonlyArray<
    readonly [string, Readonly<Record<string, unknown>>, Readonly<Record<string, StorageConfig>>, string]
  > = [
    ['itself', { from: 'media', to: 'new' }, {}, "from: 'media' is the storage itself"],
    [
      'itself by way of another',
      { from: 'round', to: 'new' },
      { round: { BACKEND: MigratingStorage, OPTIONS: { from: 'media', to: 'old' } } },
      'media > round > media',
    ],
    ['itself by a function', { from: () => storages.get('media'), to: 'new' }, {}, 'media > media'],
    ['an unknown alias', { from: 'odl', to: 'new' }, {}, "from: Could not find config for 'odl'"],
    ['one storage twice', { from: 'old', to: 'old' }, {}, 'they are one storage'],
    ['no storage', { to: 'new' }, {}, 'from: expected a storage, got none'],
    [
      'something else',
      { from: 7, to: 'new' },
      {},
      'from: expected an alias, a storage or a function that returns one, got number',
    ],
    ['an empty alias', { from: '', to: 'new' }, {}, "from: Could not find config for ''"],
  ]
  it.each(refused)('that name %s are refused at once', (_, options, more, text) => {
    overrideSettings(media(options, more), () => {
      expect(() => storages.get('media')).toThrow(
        expect.objectContaining({ code: 'improperly_configured', message: expect.stringContaining(text) }),
      )
      // The failure is not remembered.
      expect(() => storages.get('media')).toThrow(expect.objectContaining({ message: expect.stringContaining(text) }))
      storages.get('old')
    })
  })
})

describe('options', () => {
  const refused: ReadonlyArray<readonly [object, string]> = [
    [{ read: 'from' }, "read: 'from' needs write: 'both'"],
    [{ read: 'to' }, "read: 'to' needs write: 'both'"],
    [{ read: 'to', write: 'both', copyOnRead: true }, "copyOnRead: expected read: 'both'"],
    [{ keepSha256: true }, 'keepSha256: set it for the storages'],
    [{ read: 'old' }, 'read: '],
    [{ writes: 'both' }, "Invalid setting 'writes'"],
  ]
  it.each(refused)('%j are refused', (options, text) => {
    expect(() => new MigratingStorage({ from: memory(), to: memory(), ...options }, NOWHERE)).toThrow(text)
  })

  it('with an alias in a program are refused with what to do', () => {
    expect(() => new MigratingStorage({ from: 'old', to: memory() }, NOWHERE)).toThrow('pass the storage itself')
  })

  it('overwrite as the storage that is read first, unless they say otherwise', () => {
    const [from, to] = [new MemoryStorage({ fileOverwrite: true }, NOWHERE), memory()]
    expect(new MigratingStorage({ from, to }, NOWHERE).options.fileOverwrite).toBe(false)
    expect(new MigratingStorage({ from, to, read: 'from', write: 'both' }, NOWHERE).options.fileOverwrite).toBe(true)
    expect(new MigratingStorage({ from, to, fileOverwrite: true }, NOWHERE).options.fileOverwrite).toBe(true)
  })
})
