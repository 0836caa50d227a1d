import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFile,
  mkdir,
  mkdtemp,
  readFile,
  realpath,
  rename,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { withContent } from '../../src/cli/local-content.ts'
import { type LocalFile, localFiles } from '../../src/cli/local-files.ts'
import type { ContentProvider } from '../../src/core/content.ts'

let dir: string
let tree: string
beforeEach(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), 'holdall-files-')))
  tree = join(dir, 'tree')
  await mkdir(join(tree, 'sub'), { recursive: true })
  await mkdir(join(dir, 'outside'))
  await writeFile(join(dir, 'outside/secret'), 'private key')
  await writeFile(join(tree, 'a.txt'), 'alpha')
})
afterEach(() => rm(dir, { recursive: true }))

/** What is found below a folder: the names, and what is skipped with whether that is a failure. */
const find = async (path = tree, follow = false) => {
  const skipped: string[] = []
  const files: LocalFile[] = []
  const skip = (at: string, reason: string, isFailure: boolean) =>
    void skipped.push(`${at.slice(path.length + 1)}: ${reason}${isFailure ? ' (failure)' : ''}`)
  for await (const file of localFiles(path, skip, { follow })) files.push(file)
  return { names: files.map(({ name }) => name), files, skipped }
}

/** The text of a file as it would be stored, or why it is not. */
const textOf = async (file: LocalFile, meanwhile: () => unknown = () => undefined): Promise<string> => {
  let text = ''
  const skip = (_path: string, reason: string) => {
    text = `skipped: ${reason}`
  }
  await withContent(file, skip, async content => {
    await meanwhile()
    const storage = new MemoryStorage()
    text = await storage.readText(await storage.save('x', content as ContentProvider))
  })
  return text
}

describe('links below a folder', () => {
  test('are followed to files of the same folder only', async () => {
    await symlink('../a.txt', join(tree, 'sub/inside'))
    await symlink(join(tree, 'a.txt'), join(tree, 'absolute'))
    await symlink('../outside/secret', join(tree, 'out'))
    await symlink('../../tree/../outside/secret', join(tree, 'sub/around'))
    await symlink('sub', join(tree, 'folder'))
    await symlink('../outside', join(tree, 'folder-out'))
    await symlink('nowhere', join(tree, 'broken'))
    const { names, skipped } = await find()
    expect(names).toEqual(['a.txt', 'absolute', 'sub/inside'])
    expect(skipped).toEqual([
      'broken: the link leads nowhere (failure)',
      'folder: links to folders are not followed',
      'folder-out: links to folders are not followed',
      'out: it leads out of the folder; --follow would store it (failure)',
      'sub/around: it leads out of the folder; --follow would store it (failure)',
    ])
  })

  test('are followed wherever they lead when that is wanted, and circles end', async () => {
    await symlink('../outside', join(tree, 'out'))
    await symlink('.', join(tree, 'self'))
    await symlink('../sub', join(tree, 'sub/up'))
    await symlink(join(dir, 'outside/secret'), join(tree, 'secret'))
    const { names, skipped } = await find(tree, true)
    expect(names).toEqual(['a.txt', 'out/secret', 'secret'])
    expect(skipped).toEqual(['self: it leads back to a folder above it', 'sub/up: it leads back to a folder above it'])
  })

  test('do not count for what is named itself', async () => {
    await symlink('tree', join(dir, 'link'))
    await symlink('../a.txt', join(tree, 'sub/inside'))
    expect((await find(join(dir, 'link'))).names).toEqual(['a.txt', 'sub/inside'])
    await symlink('outside/secret', join(dir, 'file'))
    const { files } = await find(join(dir, 'file'))
    expect(await textOf(files[0]!)).toBe('private key')
  })

  test('are not followed when they are laid after the file was found', async () => {
    const [file] = (await find()).files
    await rename(join(tree, 'a.txt'), join(tree, 'b.txt'))
    await symlink('../outside/secret', join(tree, 'a.txt'))
    expect(await textOf(file!)).toBe('skipped: it leads out of the folder; --follow would store it')
  })

  test('lead nowhere else when a folder on the way becomes one', async () => {
    await writeFile(join(tree, 'sub/secret'), 'public')
    const file = (await find()).files.find(({ name }) => name === 'sub/secret')!
    await rename(join(tree, 'sub'), join(tree, 'old'))
    await symlink('../outside', join(tree, 'sub'))
    expect(await textOf(file)).toMatch(/^skipped: it leads out/)
  })
})

describe('what is no regular file', () => {
  test.runIf(process.platform !== 'win32')('is skipped and never waited for', async () => {
    execFileSync('mkfifo', [join(tree, 'pipe')])
    await symlink('/dev/zero', join(tree, 'device'))
    const server = createServer().listen(join(tree, 'socket'))
    await once(server, 'listening')
    try {
      expect(await find()).toMatchObject({
        names: ['a.txt'],
        skipped: ['device: it is no file', 'pipe: it is no file', 'socket: it is no file'],
      })
      expect((await find(tree, true)).names).toEqual(['a.txt'])
    } finally {
      server.close()
    }
    await expect(find(join(tree, 'pipe'))).rejects.toThrow('is neither a file nor a folder')
  })

  test.runIf(process.platform !== 'win32')('does not block when it takes the place of a file', async () => {
    const [file] = (await find()).files
    await rm(join(tree, 'a.txt'))
    execFileSync('mkfifo', [join(tree, 'a.txt')])
    expect(await textOf(file!)).toBe('skipped: it is no file')
  })

  test('is not looked for among temporary files of killed processes', async () => {
    await writeFile(join(tree, '.holdall-1-0123456789abcdef0123456789abcdef.tmp'), 'half')
    expect(await find()).toMatchObject({ names: ['a.txt'], skipped: [] })
  })
})

describe('the bytes of a file', () => {
  const first = async () => (await find()).files[0]!

  test.runIf(process.platform === 'linux')('are read to their end where the size is reported as 0', async () => {
    const { files } = await find('/proc/self/status')
    expect(files[0]!.size).toBe(0)
    expect(await textOf(files[0]!)).toMatch(/^Name:.*\n[\s\S]*\n$/)
  })

  test.each([
    ['grows', () => appendFile(join(tree, 'a.txt'), 'more')],
    ['shrinks', () => truncate(join(tree, 'a.txt'), 2)],
  ])('are refused when it %s meanwhile', async (_what, change) => {
    await expect(textOf(await first(), change)).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining('5 were announced'),
    })
  })

  test('are those of the file that was opened, each time they are read', async () => {
    const file = await first()
    await withContent(file, expect.fail, async content => {
      const storage = new MemoryStorage()
      await storage.save('one', content)
      await rename(join(tree, 'sub'), join(tree, 'gone'))
      await rm(join(tree, 'a.txt'))
      await writeFile(join(tree, 'a.txt'), 'other bytes')
      await storage.save('two', content)
      expect([await storage.readText('one'), await storage.readText('two')]).toEqual(['alpha', 'alpha'])
    })
    expect(await readFile(join(tree, 'a.txt'), 'utf8')).toBe('other bytes')
  })

  test('are any number', async () => {
    const bytes = Buffer.alloc(1_000_003, 'abcdefg')
    await writeFile(join(tree, 'a.txt'), bytes)
    expect(await textOf(await first())).toBe(bytes.toString())
  })
})
