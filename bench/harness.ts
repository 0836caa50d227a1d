/**
 * Measuring without dependencies: candidates run in turns, round by round, so that a slow moment of the machine meets all of
 * them, and medians of the rounds are compared.
 *
 * Used by `local.ts` and `import.ts`; run those. `BENCH_ROUNDS` overrides how many rounds are measured.
 */
import { cpus } from 'node:os'
import { performance } from 'node:perf_hooks'

/** One way to do the work that is compared; `run` does it once. */
export interface Candidate {
  readonly name: string
  readonly run: () => Promise<unknown>
  /** What is done before and after each turn and not measured. */
  readonly before?: () => Promise<unknown>
  readonly after?: () => Promise<unknown>
}

/** Medians over the rounds, in milliseconds for one run. */
export interface Figures {
  readonly name: string
  readonly wallMs: number
  /** User and system time of the whole process, threads included (`process.cpuUsage`). */
  readonly cpuMs: number
}

/** How long a comparison measures. */
export interface CompareOptions {
  /** Measured rounds; every candidate has one turn in each. */
  readonly rounds: number
  /** Runs in one turn. */
  readonly runs: number
  /** Rounds before the measured ones. */
  readonly warmUp?: number
}

/** Middle value, the upper one of two; of no values NaN. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
}

/** Lets the candidates take turns, in another order in every round, and gives their medians in the order given. */
export async function compare(candidates: readonly Candidate[], options: CompareOptions): Promise<Figures[]> {
  const { runs, warmUp = 3 } = options
  const rounds = Number(process.env['BENCH_ROUNDS'] ?? options.rounds)
  const wall = candidates.map((): number[] => [])
  const cpu = candidates.map((): number[] => [])
  for (let round = -warmUp; round < rounds; round++) {
    for (let turn = 0; turn < candidates.length; turn++) {
      const index = (turn + round + warmUp) % candidates.length
      const measured = await measure(candidates[index]!, runs)
      if (round < 0) continue
      wall[index]!.push(measured.wallMs)
      cpu[index]!.push(measured.cpuMs)
    }
  }
  return candidates.map(({ name }, index) => ({ name, wallMs: median(wall[index]!), cpuMs: median(cpu[index]!) }))
}

async function measure(candidate: Candidate, runs: number): Promise<Omit<Figures, 'name'>> {
  await candidate.before?.()
  const cpu = process.cpuUsage()
  const start = performance.now()
  for (let run = 0; run < runs; run++) await candidate.run()
  const wallMs = (performance.now() - start) / runs
  const { user, system } = process.cpuUsage(cpu)
  await candidate.after?.()
  return { wallMs, cpuMs: (user + system) / 1000 / runs }
}

/** Prints one comparison as a row of a Markdown table: ratios are those of the first candidate over the second. */
export function report(title: string, [subject, baseline]: readonly Figures[]): void {
  const ratio = (a: number, b: number): string => `${(a / b).toFixed(2)}x`
  console.log(
    `| ${[
      title,
      subject!.wallMs.toFixed(3),
      baseline!.wallMs.toFixed(3),
      ratio(subject!.wallMs, baseline!.wallMs),
      subject!.cpuMs.toFixed(3),
      baseline!.cpuMs.toFixed(3),
      ratio(subject!.cpuMs, baseline!.cpuMs),
    ].join(' | ')} |`,
  )
}

/** Prints the head of the table that `report` fills. */
export function reportHead(baseline: string): void {
  console.log(`| Work | Holdall ms | ${baseline} ms | ratio | Holdall CPU ms | ${baseline} CPU ms | CPU ratio |`)
  console.log('| --- | ---: | ---: | ---: | ---: | ---: | ---: |')
}

/** The shape of this machine, for the head of a report: nothing that names it. */
export function machine(): string {
  return `Node ${process.versions.node}, ${process.platform} ${process.arch}, ${cpus().length} cores`
}
