/** How a saved file comes to its name: temporary file, fsync, rename or link, whatever the server has of them. */
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { habitsOfOpenSsh } from '../../servers/sftp/habits.ts'
import { OPEN } from '../../servers/sftp/protocol.ts'
import { startSftpServer } from '../../servers/sftp.ts'
import { distinct, expectBytes, failure, hold, openAt, storageAt, withStorage } from './support.ts'

const server = await startSftpServer()
const { files, log, faults, habits } = server
const storage = storageAt(server)
const replacing = storageAt(server, { fileOverwrite: true })
afterAll(async () => {
  await storage.close()
  await replacing.close()
  await server.close()
})
beforeEach(() => {
  files.clear()
  faults.clear()
  log.clear()
  Object.assign(habits, habitsOfOpenSsh())
})

const MAKING = [
  'OPEN',
  'fsync@openssh.com',
  'CLOSE',
  'posix-rename@openssh.com',
  'hardlink@openssh.com',
  'RENAME',
  'REMOVE',
]

/** What was done to make a file, without how its bytes came. */
function made(): string[] {
  return log
    .of(...MAKING)
    .map(({ operation, path, to = path }) => `${operation} ${to.endsWith('/a.txt') ? 'a.txt' : 'temporary'}`)
}

it('a file that replaces goes to a temporary file beside it, is synced, and is renamed', async () => {
  files.put('media/d/a.txt', 'old')
  await replacing.save('d/a.txt', 'new')
  expect(made()).toEqual([
    'OPEN temporary',
    'fsync@openssh.com temporary',
    'CLOSE temporary',
    'posix-rename@openssh.com a.txt',
  ])
  const [opened] = log.of('OPEN')
  expect(opened!.flags! & ~OPEN.READ).toBe(OPEN.WRITE | OPEN.CREATE | OPEN.EXCLUSIVE)
  expect(opened!.path).toMatch(/media\/d\/[^/]+$/)
  expect([files.names('media'), files.text('media/d/a.txt')]).toEqual([['d/a.txt'], 'new'])
})

it('a file that must be new is linked to its name, which replaces nothing', async () => {
  expect(await storage.save('d/a.txt', 'new')).toBe('d/a.txt')
  expect(made()).toEqual([
    'OPEN temporary',
    'fsync@openssh.com temporary',
    'CLOSE temporary',
    'hardlink@openssh.com a.txt',
    'REMOVE temporary',
  ])
  expect(files.names('media')).toEqual(['d/a.txt'])
})

it('a name that was taken meanwhile is left alone, and another one is chosen', async () => {
  const linked = hold(server, { on: 'hardlink@openssh.com' })
  const saving = storage.save('a.txt', 'mine')
  await linked.reached
  files.put('media/a.txt', 'theirs')
  linked.go()
  const name = await saving
  expect(name).toMatch(/^a_\w{7}\.txt$/)
  expect([files.names('media'), files.text('media/a.txt'), files.text(`media/${name}`)]).toEqual([
    ['a.txt', name].sort(),
    'theirs',
    'mine',
  ])
})

it.each(['WRITE', 'fsync@openssh.com', 'CLOSE', 'posix-rename@openssh.com'])(
  'until the rename, readers see the old file alone: at %s',
  async operation => {
    files.put('media/a.txt', 'old')
    const held = hold(server, { on: operation })
    const saving = replacing.save('a.txt', distinct(300_000))
    await held.reached
    const other = storageAt(server)
    const names: string[] = []
    for await (const { name } of other.entries('', { recursive: true })) names.push(name)
    expect([names, (await other.readBytes('a.txt')).length]).toEqual([['a.txt'], 3])
    await other.close()
    held.go()
    await saving
    expectBytes(files.get('media/a.txt'), distinct(300_000))
    expect(files.names('media')).toEqual(['a.txt'])
  },
)

it.each([
  [
    'without fsync, where the server has none',
    { extensions: ['posix-rename@openssh.com', 'hardlink@openssh.com'] },
    {},
  ],
  ['without fsync, where that is wished', {}, { fsync: false }],
])('%s', async (_title, change, options) => {
  Object.assign(habits, change)
  await withStorage(server, options, files => files.save('a.txt', 'text'))
  expect(log.count('fsync@openssh.com')).toBe(0)
  expect(files.text('media/a.txt')).toBe('text')
})

describe('sftp-1: where the server lacks posix-rename', () => {
  it.each(['refuse', 'replace'] as const)(
    'and its RENAME does %s, a new file is never written over another',
    async plainRename => {
      for (const extensions of [[], ['hardlink@openssh.com']]) {
        files.clear()
        Object.assign(habits, { extensions, plainRename })
        await withStorage(server, {}, async mine => {
          files.put('media/a.txt', 'theirs')
          const name = await mine.save('a.txt', 'mine')
          expect([files.text('media/a.txt'), files.text(`media/${name}`)]).toEqual(['theirs', 'mine'])
          await expect(mine.open('a.txt', 'xb')).rejects.toMatchObject({ code: 'exists' })
        })
      }
    },
  )

  it('and its RENAME replaces, a file is replaced by it', async () => {
    Object.assign(habits, { extensions: [], plainRename: 'replace' })
    files.put('media/a.txt', 'old')
    await withStorage(server, { fileOverwrite: true }, mine => mine.save('a.txt', 'new'))
    expect([files.names('media'), files.text('media/a.txt')]).toEqual([['a.txt'], 'new'])
    expect(log.count('REMOVE')).toBe(0)
  })

  it('a new file is published by RENAME, or under its own name, and no temporary one is left', async () => {
    habits.extensions = []
    await withStorage(server, { fileOverwrite: true }, mine => mine.save('d/a.txt', 'new'))
    expect([files.names('media'), files.text('media/d/a.txt')]).toEqual([['d/a.txt'], 'new'])
  })
})

describe('sftp-1: a rename whose answer is lost', () => {
  const rename = 'posix-rename@openssh.com'

  it('after it was done is looked up, and not called failed', async () => {
    files.put('media/a.txt', 'old')
    faults.add({ on: rename, fault: { do: 'drop', at: 'after' } })
    await replacing.save('a.txt', 'new')
    expect(log.count(rename)).toBe(1)
    expect([files.names('media'), files.text('media/a.txt')]).toEqual([['a.txt'], 'new'])
  })

  it('before it was done is done then', async () => {
    files.put('media/a.txt', 'old')
    faults.add({ on: rename, fault: { do: 'drop' } })
    await replacing.save('a.txt', 'new')
    expect([files.names('media'), files.text('media/a.txt')]).toEqual([['a.txt'], 'new'])
  })

  it.each(['before', 'after'] as const)('of a move: the drop comes %s the work', async at => {
    files.put('media/a.txt', 'text')
    faults.add({ on: [rename, 'RENAME', 'hardlink@openssh.com'], fault: { do: 'drop', at } })
    // A folder of its own: those that were seen a moment ago are believed to be there.
    expect(await replacing.move('a.txt', `${at}/b.txt`)).toBe(`${at}/b.txt`)
    expect([files.names('media'), files.text(`media/${at}/b.txt`)]).toEqual([[`${at}/b.txt`], 'text'])
  })

  it.each(['before', 'after'] as const)('of an exclusive link: the drop comes %s the work', async at => {
    faults.add({ on: 'hardlink@openssh.com', fault: { do: 'drop', at } })
    const name = await storage.save('a.txt', 'text')
    expect([files.names('media'), files.text(`media/${name}`)]).toEqual([[name], 'text'])
    expect(name).toBe('a.txt')
  })
})

describe('a save that fails leaves the old file, and no temporary one', () => {
  it.each<[string, string, 3 | 4 | 8]>([
    ['WRITE', 'no space', 4],
    ['fsync@openssh.com', '', 4],
    ['posix-rename@openssh.com', '', 3],
  ])('because of %s', async (operation, message, code) => {
    files.put('media/a.txt', 'old')
    faults.add({
      on: operation,
      times: 100,
      path: /^(?!.*a\.txt$)/,
      fault: { do: 'refuse', code, message: message || 'Failure' },
    })
    await failure(replacing.save('a.txt', distinct(100_000)))
    faults.clear()
    expect([files.names('media'), files.text('media/a.txt')]).toEqual([['a.txt'], 'old'])
    await replacing.save('a.txt', 'next')
    expect(files.text('media/a.txt')).toBe('next')
    await replacing.close()
    expect(await openAt(server)).toEqual([])
  })

  it.each([
    ['small', {}, 'new'],
    ['large', {}, distinct(300_000)],
    ['small, without fsync', { fsync: false }, 'new'],
    ['large, without fsync', { fsync: false }, distinct(300_000)],
  ])('because of CLOSE: %s; nothing was published before it', async (_title, options, content) => {
    files.put('media/a.txt', 'old')
    faults.add({ on: 'CLOSE', fault: { do: 'refuse', code: 4, message: 'No space left on device' } })
    await withStorage(server, { fileOverwrite: true, maxAttempts: 1, ...options }, async storage => {
      expect((await failure(storage.save('a.txt', content))).code).toBe('no_space')
    })
    expect(log.count('posix-rename@openssh.com')).toBe(0)
    expect([files.names('media'), files.text('media/a.txt')]).toEqual([['a.txt'], 'old'])
  })

  it('because of its source', async () => {
    files.put('media/a.txt', 'old')
    async function* source(): AsyncGenerator<Buffer> {
      yield distinct(600_000)
      throw new Error('the disk is gone')
    }
    expect((await failure(replacing.save('a.txt', source()))).code).toBe('source_failed')
    expect([files.names('media'), files.text('media/a.txt')]).toEqual([['a.txt'], 'old'])
  })
})

it('a move between two storages of one folder leaves the file where it is', async () => {
  files.put('media/a.txt', 'text')
  await withStorage(server, { location: 'media/' }, async other => {
    expect(await storage.move('a.txt', 'a.txt', { storage: other, overwrite: true })).toBe('a.txt')
  })
  expect([files.names('media'), files.text('media/a.txt')]).toEqual([['a.txt'], 'text'])
})

describe('directWrite', () => {
  it('writes under the name itself', async () => {
    await withStorage(server, { directWrite: true, fileOverwrite: true }, async direct => {
      await direct.save('a.txt', 'a long text')
      await direct.save('a.txt', 'short')
    })
    for (const { path } of log.of('OPEN')) expect(path).toBe('media/a.txt')
    expect(log.count('RENAME', 'posix-rename@openssh.com', 'hardlink@openssh.com')).toBe(0)
    expect([files.names('media'), files.text('media/a.txt')]).toEqual([['a.txt'], 'short'])
  })

  it('is still exclusive where it has to be', async () => {
    files.put('media/a.txt', 'theirs')
    await withStorage(server, { directWrite: true }, async direct => {
      const name = await direct.save('a.txt', 'mine')
      expect([files.text('media/a.txt'), files.text(`media/${name}`)]).toEqual(['theirs', 'mine'])
    })
  })
})
