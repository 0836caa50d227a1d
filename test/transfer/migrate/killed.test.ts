import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { type MigrationReport, readStatus } from '../../../src/transfer/index.ts'
import { seeded } from '../../oracles/seeded.ts'
import { Kinds } from '../../storage/kinds.ts'
import { builtPackage } from '../../support/built.ts'
import { Child } from '../../support/child.ts'
import { isFull } from '../../support/sampled.ts'
import { filesIn, fill } from '../support.ts'

const kinds = await Kinds.start()
const folder = await mkdtemp(join(tmpdir(), 'holdall-migrate-killed-'))
afterAll(async () => {
  await kinds.end()
  await rm(folder, { recursive: true })
})

const CONCURRENCY = 4

it('continues after SIGKILL at any moment: no file is missing, and none is copied twice but those in flight', async () => {
  const built = await builtPackage()
  const random = seeded(14)
  const files = Object.fromEntries(
    Array.from({ length: isFull ? 200 : 60 }, (_, at) => [`folder-${at % 7}/file ${at}`, `text ${at}`.repeat(at)]),
  )
  for (let round = 0; round < (isFull ? 5 : 1); round++) {
    const [source, target] = [kinds.local(), kinds.s3()]
    await fill(source, files)
    await fill(target, { 'zz/old': 'x', 'aa/old': 'y' })
    const ledger = join(folder, `ledger-${round}.sqlite`)
    kinds.server.requests.length = 0
    let kills = 0
    let report: MigrationReport | undefined
    while (report === undefined) {
      const { bucketName, location, endpointUrl, regionName, accessKey, secretKey } = target.options
      const s3 = { bucketName, location, endpointUrl, regionName, accessKey, secretKey }
      const options = { ledger, delete: true, concurrency: CONCURRENCY }
      const settings = JSON.stringify({ location: source.root, s3, options })
      const child = new Child(process.execPath, [join(import.meta.dirname, 'killed.child.ts'), built, settings])
      // The moment is that of some request, and a request's own time later or not.
      let left = Math.floor(random() * 30) + 1
      kinds.server.faults.add({
        times: Number.POSITIVE_INFINITY,
        match: () => {
          if (--left === 0) child.process.kill('SIGKILL')
          return false
        },
      })
      const { signal, code, stdout, stderr } = await child.ended
      kinds.server.faults.clear()
      if (signal === 'SIGKILL') {
        kills++
        const status = await readStatus(ledger)
        if (status !== undefined) expect(status.state).toBe('interrupted')
      } else {
        expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
        report = JSON.parse(stdout) as MigrationReport
      }
    }
    expect(kills).toBeGreaterThan(0)
    const { seen, copied, unchanged, failed, verified } = report.counts
    const count = Object.keys(files).length
    expect(report.isDone).toBe(true)
    expect({ seen, known: copied + unchanged, failed, verified }).toEqual({
      seen: count,
      known: count,
      failed: 0,
      verified: count,
    })
    expect(await filesIn(target)).toEqual(files)
    const puts = kinds.server.requests.filter(({ operation }) => operation === 'PutObject').length
    expect(puts - count).toBeLessThanOrEqual(kills * CONCURRENCY)
  }
}, 240_000)
