import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { machine, median } from '../harness.ts'
import { type BenchService, judged } from './service.ts'
import { type Choice, startSink } from './team.ts'

const PROCESSES = 21

/** What the first request of a cold process costs: processes that load a client, ask for one size and end, over those of an empty module. */
export async function cold(service: BenchService, { wanted }: Choice): Promise<void> {
  const processes = Number(process.env['BENCH_ROUNDS'] ?? PROCESSES)
  const sink = await startSink(service, '--awake')
  const clients = Object.entries(service.first).filter(([name]) => name.includes(wanted))
  const programs = ['', ...clients.map(([, program]) => program(sink.endpoint))]
  const times = programs.map((): number[] => [])
  for (let round = -2; round < processes; round++) {
    programs.forEach((program, index) => {
      const ms = programMs(service, program)
      if (round >= 0) times[index]!.push(ms)
    })
  }
  sink.stop()
  const [bare, ...rest] = times.map(median)
  console.log(`${machine()}; medians of ${processes} processes; bare Node takes ${bare!.toFixed(1)} ms\n`)
  console.log('| Client | first request, ms more |\n| --- | ---: |')
  rest.forEach((ms, index) => {
    console.log(`| ${clients[index]![0]} | ${(ms - bare!).toFixed(1)} |`)
  })
  const { firstMs } = service.targets
  const own = clients.findIndex(([name]) => name === 'holdall')
  if (firstMs !== undefined && own >= 0)
    console.log(`\n${judged('first request, ms', rest[own]! - bare!, firstMs, true, 1)}`)
}

function programMs({ name }: BenchService, program: string): number {
  const start = performance.now()
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: join(import.meta.dirname, '..', name),
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(stderr)
  return performance.now() - start
}
