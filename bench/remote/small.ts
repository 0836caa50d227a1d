import { machine, median } from '../harness.ts'
import { type BenchService, judged } from './service.ts'
import { type Choice, chosen, Member, startSink, type Task } from './team.ts'

const WARM_UP = 8
const REQUESTS = 1500

/** 4 KiB PUT, GET and HEAD, 16 in flight: CPU of the client's process for one request, and requests a second. */
export async function small(service: BenchService, choice: Choice): Promise<void> {
  const rounds = Number(process.env['BENCH_ROUNDS'] ?? 11)
  const sink = await startSink(service, '--awake')
  const members: Member[] = []
  for (const name of chosen(service, choice)) members.push(await Member.start(service, name, sink))
  console.log(`${machine()}; medians of ${rounds} interleaved rounds of ${REQUESTS} requests, 16 in flight\n`)
  console.log('| Request | Client | CPU µs | over node:http | requests/s |\n| --- | --- | ---: | ---: | ---: |')
  const verdicts: string[] = []
  for (const operation of ['put', 'get', 'head'] satisfies Array<Task['operation']>) {
    const cpu = members.map((): number[] => [])
    const wall = members.map((): number[] => [])
    for (let round = -WARM_UP; round < rounds; round++) {
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
      const ratio = us / baseline!
      const perSecond = 1_000_000 / median(wall[index]!)
      const title = operation.toUpperCase()
      console.log(`| ${[title, name, us.toFixed(0), `${ratio.toFixed(2)}x`, perSecond.toFixed(0)].join(' | ')} |`)
      if (name === 'holdall') verdicts.push(judged(`${title} over node:http`, ratio, service.targets[operation], true))
    })
  }
  for (const member of members) member.stop()
  sink.stop()
  console.log(`\n${verdicts.join('\n')}`)
}
