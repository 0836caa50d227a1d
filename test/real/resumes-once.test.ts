/** The application as it is started from the shell: `npm run example -- --once`, as it stands, on the clouds: strict servers that are named by environment variables. And its orphans. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test, vi } from 'vitest'
import { temporaryFolder } from '../backends/local/fixture.ts'
import { SERVICES } from '../examples/resumes/services.ts'
import { Child, compilingOnce, type Ended } from '../support/child.ts'

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 })

const ROOT = join(import.meta.dirname, '../..')

beforeAll(async () => {
  const built = await new Child(process.execPath, ['scripts/build.ts'], { cwd: ROOT, timeoutMs: 150_000 }).ended
  expect(built).toMatchObject({ code: 0 })
})

test.each(['local disk', ...Object.keys(SERVICES)])('on %s', async title => {
  const service = await SERVICES[title]?.()
  try {
    const env = { ...compilingOnce(), ...service?.env }
    const parameters = ['examples/resumes/main.ts', '--once']
    const ended = await new Child(process.execPath, parameters, { cwd: ROOT, env, timeoutMs: 150_000 }).ended
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(ended.stdout.trimEnd().split('\n')).toHaveLength(10)
    expect(service?.names() ?? []).toEqual([])
  } finally {
    await service?.close()
  }
})

test('files that no row names are found by the command of its page', async () => {
  using folder = temporaryFolder()
  mkdirSync(join(folder.path, 'media/pdfs'), { recursive: true })
  writeFileSync(join(folder.path, 'media/pdfs/left-over.pdf'), '%PDF-1.7')
  const cwd = join(ROOT, 'examples/resumes')
  const env = { ...compilingOnce(), RESUMES_DATA: folder.path }
  const orphans = (...more: string[]): Promise<Ended> =>
    new Child(process.execPath, [join(ROOT, 'dist/cli/bin.js'), 'orphans', './models.ts', ...more], { cwd, env }).ended
  expect((await orphans()).stdout).toBe('')
  expect((await orphans('--grace', '0')).stdout).toMatch(/unused +pdfs\/left-over\.pdf/)
  expect((await orphans('--grace', '0', '--delete')).stdout).toMatch(/deleted +pdfs\/left-over\.pdf/)
  expect(readdirSync(join(folder.path, 'media/pdfs'))).toEqual([])
})
