/**
 * What the first request of a cold process costs: spawned processes that import the built package, make one `HEAD` and end, over processes that
 * import an empty module. Target: at most 35 ms.
 *
 *     node scripts/build.ts && node bench/s3/cold.ts
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { pathToFileURL } from 'node:url'
import { machine, median } from '../harness.ts'
import { startSink } from './team.ts'

const PROCESSES = 21
const built = pathToFileURL(join(import.meta.dirname, '../../dist/backends/s3/index.js')).href

const sink = await startSink('--awake')
const request = `
  const { S3Storage } = await import('${built}')
  const options = { endpointUrl: '${sink.endpoint}', bucketName: 'bucket', regionName: 'us-east-1', accessKey: 'key', secretKey: 'secret' }
  const storage = new S3Storage(options, { env: {} })
  await storage.size('a')
  await storage.close()`
const programs = ['', request]
const times = programs.map((): number[] => [])
for (let round = -2; round < PROCESSES; round++) {
  programs.forEach((program, index) => {
    const start = performance.now()
    const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
      encoding: 'utf8',
    })
    if (status !== 0) throw new Error(stderr)
    if (round >= 0) times[index]!.push(performance.now() - start)
  })
}
sink.stop()

const [bare, first] = times.map(median)
console.log(`${machine()}; median of ${PROCESSES} processes`)
console.log(`bare node: ${bare!.toFixed(1)} ms; with one request: ${(first! - bare!).toFixed(1)} ms more`)
