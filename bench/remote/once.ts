import { median } from '../harness.ts'
import { type BenchService, judged } from './service.ts'
import { type Choice, chosen, Member, type Sink, type Taken, type Task } from './team.ts'

/** A large task with its name, and the least speed that Holdall should have. */
export interface TitledTask extends Task {
  readonly title: string
  readonly leastSpeed?: number
}

/**
 * Lets every contender do one large task, each time in a fresh process and in turns, and prints medians as rows of a Markdown table: `speed` is
 * that of the baseline's median, memory that over the loaded client. Stops the sink.
 */
export async function once(
  service: BenchService,
  choice: Choice,
  sink: Sink,
  tasks: readonly TitledTask[],
): Promise<void> {
  const rounds = Number(process.env['BENCH_ROUNDS'] ?? 3)
  const { peakMib } = service.targets
  const verdicts: string[] = []
  console.log('| Work | Client | ms | speed | CPU ms | peak RSS MiB | over base |')
  console.log('| --- | --- | ---: | ---: | ---: | ---: | ---: |')
  for (const task of tasks) {
    const taken = new Map<string, Taken[]>(chosen(service, choice).map(name => [name, []]))
    const failed = new Map<string, string>()
    for (let round = 0; round < rounds; round++) {
      for (const [name, list] of taken) {
        if (failed.has(name)) continue
        const member = await Member.start(service, name, sink)
        try {
          list.push(await member.run(task))
        } catch (error) {
          failed.set(name, String(error).split('\n')[0]!)
        }
        member.stop()
      }
    }
    const [baseline] = [...taken.values()].map(list => median(list.map(one => one.wallMs)))
    for (const [name, list] of taken) {
      const middle = (of: (one: Taken) => number): number => median(list.map(of))
      const ms = middle(one => one.wallMs)
      const over = middle(one => one.peakRssMib - one.baseRssMib)
      const figures = [ms.toFixed(0), (baseline! / ms).toFixed(2)]
      const rest = [middle(one => one.cpuMs), middle(one => one.peakRssMib), over].map(value => value.toFixed(0))
      const cells = failed.has(name) ? [failed.get(name), '', '', '', ''] : [...figures, ...rest]
      console.log(`| ${[task.title, name, ...cells].join(' | ')} |`)
      if (name !== 'holdall' || task.leastSpeed === undefined) continue
      verdicts.push(judged(`${task.title}, speed`, baseline! / ms, task.leastSpeed, false))
      if (peakMib !== undefined) verdicts.push(judged(`${task.title}, MiB over base`, over, peakMib, true, 0))
    }
  }
  sink.stop()
  if (verdicts.length > 0) console.log(`\n${verdicts.join('\n')}`)
}
