import { mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { S3Storage } from '../../src/backends/s3/index.ts'
import { bytesContent } from '../../src/core/content.ts'
import { type StrictS3, startStrictS3 } from '../servers/strict-s3.ts'
import { runCli } from './run-cli.ts'

// Every command is a process of its own.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

/** Keys of which the first five have names that lead to another file, or to none. */
const KEYS = ['a//b', '/abs', '../out', 'back\\slash', 'x/./y', 'a/b', 'abs', 'out', 'back/slash', 'x/y', 'z']
const ODD = 5

let dir: string
let server: StrictS3
beforeEach(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), 'holdall-odd-names-')))
  server = await startStrictS3()
  const { accessKeyId: accessKey, secretAccessKey: secretKey } = server.credentials
  const OPTIONS = { bucketName: 'media', endpointUrl: server.url, regionName: server.region, accessKey, secretKey }
  await using storage = new S3Storage(OPTIONS, { settings: {}, env: {} })
  for (const key of KEYS) {
    await storage.calls.driver.write(key, bytesContent(Buffer.from(`at ${key}`)), {}, storage.calls.context())
  }
  const STORAGES = { s3: { BACKEND: 's3', OPTIONS }, disk: { BACKEND: 'local', OPTIONS: { location: 'disk' } } }
  await writeFile(join(dir, 'holdall.config.json'), JSON.stringify({ STORAGES }))
})
afterEach(async () => {
  await server.close()
  await rm(dir, { recursive: true })
})

const cli = (...args: string[]) => runCli(dir, args)
const keys = () => [...server.bucket().objects.keys()].sort()
const without = (...gone: readonly string[]) => KEYS.filter(key => !gone.includes(key)).sort()
/** The files below a folder, with their bytes. */
async function filesIn(folder: string): Promise<Record<string, string>> {
  const found = await readdir(join(dir, folder), { recursive: true, withFileTypes: true })
  const files = found.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
  const pairs = files.map(
    async path => [path.slice(join(dir, folder).length + 1), await readFile(path, 'utf8')] as const,
  )
  return Object.fromEntries(await Promise.all(pairs))
}

test('ls shows every key, and du counts it', async () => {
  const { stdout } = await cli('--json', 'ls', '-r', 's3:')
  const names = stdout
    .trim()
    .split('\n')
    .map(line => (JSON.parse(line) as { name: string }).name)
  expect(names.sort()).toEqual([...KEYS].sort())
  expect(JSON.parse((await cli('--json', 'du', 's3:')).stdout)).toMatchObject({ files: KEYS.length })
})

test('rm removes nothing under another name, and rm -r everything', async () => {
  for (const path of ['a//b', 'back\\slash', 'x/./y', './z']) {
    const { code, stderr } = await cli('rm', `s3:${path}`)
    expect([code, stderr]).toEqual([1, expect.stringContaining('is not in its normal form')])
  }
  expect(keys()).toEqual(without())
  expect(await cli('rm', '-r', 's3:x')).toMatchObject({ code: 0, stderr: expect.stringContaining('removed 2 files') })
  expect(keys()).toEqual(without('x/./y', 'x/y'))
  expect(await cli('rm', '-r', '--yes', 's3:')).toMatchObject({ code: 0 })
  expect(keys()).toEqual([])
})

test('get -r writes each file under its own name or reports it, and mixes none', async () => {
  const { code, stderr } = await cli('get', '-r', '--overwrite', 's3:', 'here')
  expect(code).toBe(1)
  const files = await filesIn('here')
  for (const [name, text] of Object.entries(files)) expect(text).toBe(`at ${name}`)
  expect(Object.keys(files)).toEqual(expect.arrayContaining(KEYS.slice(ODD)))
  for (const name of KEYS.slice(0, ODD)) expect(name in files || stderr.includes(name), name).toBe(true)
})

test('mv -r moves what it can, each with its own bytes, and leaves and reports the rest', async () => {
  const { code, stderr } = await cli('mv', '-r', 's3:', 'disk:')
  expect(code).toBe(1)
  expect(stderr).toMatch(/\.\.\/out/)
  const texts = Object.values(await filesIn('disk'))
  expect(keys()).toEqual(KEYS.filter(key => !texts.includes(`at ${key}`)).sort())
  expect(texts).toEqual(expect.arrayContaining(KEYS.slice(ODD).map(key => `at ${key}`)))
  expect(new Set(texts).size).toBe(texts.length)
})
