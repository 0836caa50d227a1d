/** `npm run example -- --once`, as it stands, on the clouds: strict servers that are named by environment variables. */
import { join } from 'node:path'
import { beforeAll, expect, test, vi } from 'vitest'
import { SERVICES } from '../examples/resumes/services.ts'
import { Child, compilingOnce } from '../support/child.ts'

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
