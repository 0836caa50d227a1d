import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { runNode } from '../support/child.ts'

it('syncs and compares 100,000 files in 64 MiB, of which one side is listed in no order', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdall-sync-memory-'))
  try {
    const count = 100_000
    const script = join(import.meta.dirname, '../transfer/many.child.ts')
    const args = ['--max-old-space-size=64', script, String(count), join(folder, 'record')]
    const { stdout } = await runNode(args, { env: { ...process.env, TMPDIR: folder }, timeoutMs: 220_000 })
    const [first, second, compared] = JSON.parse(stdout)
    expect(first).toMatchObject({ checked: count, unchanged: count, failed: 0, compared: { listing: count }, inSync: true })
    expect(second).toMatchObject({ checked: count, unchanged: count, compared: { record: count }, inSync: true })
    expect(compared).toMatchObject({ checked: count, isEqual: true, compared: { listing: 10 } })
    // Neither parts of a listing nor a new record are left.
    expect((await readdir(folder)).sort()).toEqual(['record'])
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}, 240_000)
