import { median } from '../harness.ts'
import { chosen, Member, type Sink, type Taken, type Task } from './team.ts'

/**
 * Lets every contender do one large task, each time in a fresh process, and prints medians as rows of a Markdown table: `speed` is that
 * of the baseline's median. Stops the sink.
 */
export async function once(sink: Sink, tasks: ReadonlyArray<Task & { readonly title: string }>): Promise<void> {
  const rounds = Number(process.env['BENCH_ROUNDS'] ?? 3)
  console.log('| Work | Client | ms | speed | CPU ms | peak RSS MiB | above start |')
  console.log('| --- | --- | ---: | ---: | ---: | ---: | ---: |')
  for (const task of tasks) {
    const taken = new Map<string, Taken[]>(chosen().map(name => [name, []]))
    const failed = new Map<string, string>()
    for (let round = 0; round < rounds; round++) {
      for (const [name, list] of taken) {
        if (failed.has(name)) continue
        const member = await Member.start(name, sink)
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
      const middle = (of: (one: Taken) => number): string => median(list.map(of)).toFixed(0)
      const cells = failed.has(name)
        ? [failed.get(name), '', '', '', '']
        : [
            middle(one => one.wallMs),
            (baseline! / median(list.map(one => one.wallMs))).toFixed(2),
            middle(one => one.cpuMs),
            middle(one => one.peakRssMib),
            middle(one => one.peakRssMib - one.rssBeforeMib),
          ]
      console.log(`| ${[task.title, name, ...cells].join(' | ')} |`)
    }
  }
  sink.stop()
}
