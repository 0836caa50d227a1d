import { join } from 'node:path'
import { afterAll, beforeEach, expect, it } from 'vitest'
import { describeExclusiveSaves } from '../../real/backend.ts'
import { EXTENSIONS } from '../../servers/sftp/habits.ts'
import { startSftpServer } from '../../servers/sftp.ts'
import { at, openAt, storageAt } from './support.ts'

const server = await startSftpServer()
afterAll(() => server.close())
beforeEach(() => server.files.clear())

const { habits } = server
const options = { ...at(server), location: 'media' }

describeExclusiveSaves({
  module: join(import.meta.dirname, '../../../src/backends/sftp/index.ts'),
  className: 'SftpStorage',
  options,
  sizes: { 'in one request': 5000, 'in several': 300_000 },
  storage: () => storageAt(server),
})

it.each([
  ['as OpenSSH', [...EXTENSIONS.keys()], 'refuse'],
  ['without hardlink', ['posix-rename@openssh.com', 'limits@openssh.com'], 'refuse'],
  ['without extensions', [], 'refuse'],
  ['without extensions, whose RENAME replaces', [], 'replace'],
] as const)(
  'forty saves of one name at once by three storages at a server %s leave forty files',
  async (_title, extensions, plainRename) => {
    Object.assign(habits, { extensions, plainRename })
    const storages = Array.from({ length: 3 }, () => storageAt(server))
    const texts = Array.from({ length: 40 }, (_, count) => `text ${count}`)
    const names = await Promise.all(texts.map((text, at) => storages[at % 3]!.save('d/same.txt', text)))
    expect(new Set(names).size).toBe(40)
    expect(names).toContain('d/same.txt')
    expect(server.files.names('media')).toEqual([...names].sort())
    for (const [at, name] of names.entries()) expect(server.files.text(`media/${name}`)).toBe(texts[at])
    await Promise.all(storages.map(files => files.close()))
    expect(await openAt(server)).toEqual([])
  },
)
