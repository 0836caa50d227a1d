/**
 * A child process with one contender; does what it is told by IPC and answers with what it took. Not to be run by hand, except
 * to profile: `node --cpu-prof bench/remote/worker.ts s3 holdall put 20000`, which brings its own sink (run `node scripts/build.ts` before).
 */
import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import type { Contender } from './contender.ts'
import { type BenchService, serviceOf } from './service.ts'
import type { Taken, Task } from './team.ts'

const BYTES = Buffer.alloc(4096, 'holdall ')
const PIECE = Buffer.alloc(256 * 1024, 'holdall ')
const IN_FLIGHT = 16

/** The contender of a name. */
async function contenderOf({ contenders }: BenchService, name: string, endpoint: string): Promise<Contender> {
  const make = contenders[name]
  if (make === undefined) throw new Error(`There is no contender '${name}'.`)
  return make(endpoint)
}

async function inFlight(times: number, run: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < times) await run(next++)
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane))
}

function expect(given: number, wanted: number): void {
  if (given !== wanted) throw new Error(`${given} came instead of ${wanted}.`)
}

function pieces(size: number): Readable {
  let left = size
  return new Readable({
    read() {
      const piece = left < PIECE.byteLength ? PIECE.subarray(0, left) : PIECE
      left -= piece.byteLength
      this.push(piece)
      if (left === 0) this.push(null)
    },
  })
}

async function work(contender: Contender, { operation, times, file }: Task): Promise<void> {
  switch (operation) {
    case 'put':
      return inFlight(times, index => contender.put(`small/${index % 1000}.bin`, BYTES))
    case 'get':
      return inFlight(times, async index => expect(await contender.get(`small/${index % 1000}-4096`), 4096))
    case 'head':
      return inFlight(times, async index => expect(await contender.head(`small/${index % 1000}-4096`), 4096))
    case 'up':
      await contender.upload('large.bin', file === undefined ? pieces(times) : createReadStream(file), times)
      return
    case 'down':
      return expect(await contender.download(`large-${times}`), times)
    case 'list':
      return expect(await contender.list(), times)
  }
}

/** A sixteenth beforehand: what a client loads at its first request is told by `size.ts`, and a server runs for longer than a second. */
async function warmUp(contender: Contender, task: Task): Promise<void> {
  const { operation, times } = task
  if (operation === 'up' || operation === 'down') await work(contender, { operation, times: times / 16 })
}

async function take(contender: Contender, task: Task, baseRssMib: number): Promise<Taken> {
  await warmUp(contender, task)
  const cpu = process.cpuUsage()
  const start = performance.now()
  await work(contender, task)
  const wallMs = performance.now() - start
  const { user, system } = process.cpuUsage(cpu)
  const peakRssMib = process.resourceUsage().maxRSS / 1024
  return { wallMs, cpuMs: (user + system) / 1000, baseRssMib, peakRssMib }
}

const [serviceName = '', name = '', third = '', times] = process.argv.slice(2)
const service = await serviceOf(serviceName)
if (process.send === undefined) {
  const { startSink } = await import('./team.ts')
  const sink = await startSink(service, '--awake')
  const task = { operation: third as Task['operation'], times: Number(times) }
  const contender = await contenderOf(service, name, sink.endpoint)
  console.log(await take(contender, task, process.memoryUsage.rss() / 1024 ** 2))
  sink.stop()
} else {
  const contender = await contenderOf(service, name, third)
  const baseRssMib = process.memoryUsage.rss() / 1024 ** 2
  process.on('message', (task: Task) => {
    take(contender, task, baseRssMib).then(
      taken => process.send!(taken),
      error => process.send!({ failure: String(error?.stack ?? error) }),
    )
  })
  process.on('disconnect', () => process.exit())
  process.send('ready')
}
