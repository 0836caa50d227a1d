import { globSync, readFileSync } from 'node:fs'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const path = (name: string): string => new URL(name, import.meta.url).pathname

/** What needs programs that are installed for it. */
const REAL = ['test/real/**', 'test/bundlers/**', 'test/runtimes/**']

/** What takes longest, the longest first: it begins first, so that no worker is left with it at the end. */
const LONG = [
  'storage/aborts',
  'linear-time/linear-time',
  'backends/local/processes',
  'cli/files',
  'cli/secrets',
  'cli/commands',
  'testing/mutants',
  'scripts/ci-tests',
  'backends/s3/matrix',
  'backends/gcs/matrix',
  'backends/azure/matrix',
  'backends/s3/conformance',
  'linear-time/regexes',
  'backends/gcs/conformance',
  'backends/s3/memory',
  'backends/local/hostile-names',
  'backends/azure/conformance',
].map(name => path(`test/${name}.test.ts`))

/** What a file does that others in its process would notice, or be blamed for: it replaces modules or functions of Node, or measures the process. */
const NOTICED = /\bvi\.(?:mock|doMock|resetModules)\(|\/(?:hooks|work)\.ts'|\bmemoryUsage\(|'unhandledRejection'/

const isAlone = (file: string): boolean => LONG.includes(path(file)) || NOTICED.test(readFileSync(path(file), 'utf8'))
const real = globSync(
  REAL.map(folder => `${folder}/*.test.ts`),
  { cwd: path('.') },
)
const others = globSync('test/**/*.test.ts', { cwd: path('.') }).filter(file => !real.includes(file))
const alone = [...(process.env['REAL_SERVERS'] === '1' ? real : []), ...others.filter(isAlone)]

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => LONG.indexOf(moduleId) + 1 || LONG.length + 1
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b))
  }
}

export default defineConfig({
  // The examples import the package by its name; here that is the source.
  resolve: {
    alias: [
      { find: /^holdall$/, replacement: path('src/index.ts') },
      { find: /^holdall\/(http|remote|serve|testing)$/, replacement: path('src/$1/index.ts') },
    ],
  },
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    // What runs side by side waits more than it works.
    maxConcurrency: 16,
    pool: 'forks',
    sequence: { sequencer: LongestFirst },
    // To start a process and load `src` costs more than most files take: those share one for each worker.
    projects: [
      { extends: true, test: { name: 'alone', include: alone, isolate: true } },
      { extends: true, test: { name: 'together', include: others.filter(file => !isAlone(file)), isolate: false } },
    ],
  },
})
