/** Holdall against command-line clients: whole processes in turns, from start to end, over the same server and the same folder. */
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Candidate, compare, type Figures, machine, median } from '../harness.ts'
import type { Done, Work } from './worker.ts'

const run = promisify(execFile)
const MIB = 1024 * 1024
const LARGE = 256 * MIB
const MANY = 1000
const SMALL = 4096

/** The files of a bench, here and on the server. */
export interface Ground {
  /** 256 MiB. */
  readonly large: string
  /** 1,000 files of 4 KiB. */
  readonly many: string
  /** A path here that is free in each turn. */
  readonly free: string
}

/** A client of the command line. */
export interface Program {
  readonly title: string
  readonly program: string
  readonly words: readonly string[]
  readonly input?: string
}

/** One line of the table. */
export interface Row {
  readonly title: string
  readonly work: Work
  readonly programs: readonly Program[]
  /** How fast Holdall should be, as a part of the speed of the first program. */
  readonly target?: number
  /** The file or folder on the server, as it is reached on this disk, and what it has the bytes of. */
  readonly made: string
  readonly source: string
}

/** Where the files lie: in memory, so that no disk is measured, unless `BENCH_DIR` says otherwise. */
const base = process.env['BENCH_DIR'] ?? '/dev/shm'
process.env['TMPDIR'] = base

/** Makes the files, gives them to the work and takes them away. */
export async function withGround(work: (ground: Ground) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(base, 'holdall-bench-'))
  try {
    const [large, many] = [join(folder, 'large'), join(folder, 'many')]
    await writeFile(large, Buffer.from(Uint32Array.from({ length: LARGE / 4 }, (_, at) => at * 2654435761).buffer))
    await mkdir(many)
    const bytes = await readFile(large).then(all => all.subarray(0, SMALL * MANY))
    for (let at = 0; at < MANY; at++) await writeFile(join(many, `${at}`), bytes.subarray(at * SMALL, (at + 1) * SMALL))
    await work({ large, many, free: join(folder, 'free') })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Prints the head of the table. */
export function head(programs: string): void {
  console.log(`${machine()}; medians of interleaved rounds, files in ${base === '/dev/shm' ? 'memory' : 'BENCH_DIR'}\n`)
  console.log(
    `| Work | Holdall ms (CPU) | calls alone ms | peak MiB (over the loaded modules) | ${programs} | target |`,
  )
  console.log('| --- | ---: | ---: | ---: | --- | --- |')
}

/** Measures a row and prints it; the speed of Holdall is told as a part of that of each program. */
export async function row({ title, work, programs, target, made, source }: Row, free: string): Promise<void> {
  const wanted = process.argv[2] ?? ''
  if (!title.includes(wanted)) return
  const seen: Done[] = []
  const isUp = work.do.endsWith('up')
  if (!isUp) await cp(source, made, { recursive: true })
  const place = isUp ? made : free
  const before = () => rm(place, { recursive: true, force: true })
  const after = () => check(place, work.do.startsWith('many'))
  const cpu = new Map<string, number[]>()
  const script = join(import.meta.dirname, 'worker.ts')
  const ours = { title: 'holdall', program: process.execPath, words: [script, JSON.stringify(work)] }
  const all: readonly Program[] = [ours, ...programs]
  const candidates = all.map((one): Candidate => {
    const turn = async (): Promise<void> => {
      const { stdout, cpuMs } = await timed(one)
      if (one === ours) seen.push(JSON.parse(stdout))
      cpu.set(one.title, [...(cpu.get(one.title) ?? []), cpuMs])
    }
    return { name: one.title, run: turn, before, after }
  })
  const walls = await compare(candidates, { rounds: 7, runs: 1, warmUp: 1 })
  const figures = walls.map(({ name, wallMs }) => ({ name, wallMs, cpuMs: median(cpu.get(name)!.slice(1)) }))
  const [holdall, ...others] = figures as [Figures, ...Figures[]]
  const measured = seen.slice(1)
  const of = (pick: (done: Done) => number): number => Math.round(median(measured.map(pick)))
  const memory = `${of(done => done.peakMiB)} (${of(done => done.peakMiB - done.loadedMiB)})`
  const shown = ({ wallMs, cpuMs }: Figures): string => `${Math.round(wallMs)} (${Math.round(cpuMs)})`
  const ratios = others.map(other => `${other.name} ${shown(other)}: ${(other.wallMs / holdall.wallMs).toFixed(2)}`)
  const ratio = others[0]!.wallMs / holdall.wallMs
  const judged = target === undefined ? '' : `${target}: ${ratio >= target ? 'met' : '**missed**'}`
  console.log(`| ${[title, shown(holdall), of(done => done.ms), memory, ratios.join(', '), judged].join(' | ')} |`)
}

/** Runs a program to its end; the processor's time is that of all its threads, user and system. */
async function timed({ program, words, input = '' }: Program): Promise<{ stdout: string; cpuMs: number }> {
  const running = run('bash', ['-c', 'TIMEFORMAT="%U %S"; time "$@"', program, program, ...words], {
    maxBuffer: 16 * MIB,
  })
  running.child.stdin!.end(input)
  const { stdout, stderr } = await running
  const times = /([\d.]+) ([\d.]+)\n$/.exec(stderr)!
  return { stdout, cpuMs: 1000 * (Number(times[1]) + Number(times[2])) }
}

async function check(path: string, isMany: boolean): Promise<void> {
  const { stdout } = await run('du', ['--apparent-size', '--bytes', '--summarize', '--exclude=.*', path])
  const size = Number.parseInt(stdout, 10)
  const least = isMany ? MANY * SMALL : LARGE
  if (size < least) throw new Error(`${path} has ${size} bytes of ${least}`)
}
