/**
 * 4 KiB PUT, GET and HEAD, 16 in flight: CPU of the client's process for one request, and requests a second.
 *
 *     node scripts/build.ts             # before
 *     node bench/s3/small.ts            # all
 *     node bench/s3/small.ts holdall    # those whose name contains the text, and the baseline
 *     BENCH_ROUNDS=5 node bench/s3/small.ts
 */
import { machine, median } from '../harness.ts'
import { chosen, Member, startSink, type Task } from './team.ts'

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 11)
const WARM_UP = 8
const REQUESTS = 1500

const sink = await startSink('--awake')
const members: Member[] = []
for (const name of chosen()) members.push(await Member.start(name, sink))
console.log(`${machine()}; medians of ${ROUNDS} interleaved rounds of ${REQUESTS} requests, 16 in flight\n`)
console.log('| Request | Client | CPU µs | over node:http | requests/s |\n| --- | --- | ---: | ---: | ---: |')
for (const operation of ['put', 'get', 'head'] satisfies Array<Task['operation']>) {
  const cpu = members.map((): number[] => [])
  const wall = members.map((): number[] => [])
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    for (let turn = 0; turn < members.length; turn++) {
      const index = (turn + round + WARM_UP) % members.length
      const taken = await members[index]!.run({ operation, times: REQUESTS })
      if (round < 0) continue
      cpu[index]!.push((taken.cpuMs * 1000) / REQUESTS)
      wall[index]!.push((taken.wallMs * 1000) / REQUESTS)
    }
  }
  const [baseline] = cpu.map(median)
  members.forEach(({ name }, index) => {
    const us = median(cpu[index]!)
    const perSecond = 1_000_000 / median(wall[index]!)
    const cells = [
      operation.toUpperCase(),
      name,
      us.toFixed(0),
      `${(us / baseline!).toFixed(2)}x`,
      perSecond.toFixed(0),
    ]
    console.log(`| ${cells.join(' | ')} |`)
  })
}
for (const member of members) member.stop()
sink.stop()
