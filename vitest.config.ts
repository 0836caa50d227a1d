import { globSync, readFileSync } from 'node:fs'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const path = (name: string): string => new URL(name, import.meta.url).pathname
const filesOf = (...patterns: string[]): string[] =>
  globSync(patterns, { cwd: path('.'), exclude: ['**/node_modules'] })

/** What needs programs that are installed for it. */
const real = filesOf('test/{real,bundlers,runtimes}/**/*.test.ts')
const others = filesOf('test/**/*.test.ts').filter(file => !real.includes(file))

/** What takes longest, the longest first: it begins first, so that no worker is left with it at the end. */
const long = [
  'backends/s3/conformance',
  'backends/s3/matrix',
  'storage/aborts',
  'backends/swift/matrix',
  'linear-time/linear-time',
  'backends/local/processes',
  'scripts/ci-tests',
  'backends/gcs/conformance',
  'backends/gcs/matrix',
  'backends/azure/matrix',
  'backends/atmos/matrix',
  'backends/sftp/faults',
  'backends/azure/conformance',
  'backends/ftp/conformance',
  'package',
  'backends/swift/conformance',
  'linear-time/regexes',
  'backends/dropbox/matrix',
  'cli/files',
  'cli/commands',
  'testing/mutants',
  'cli/secrets',
  'backends/s3/memory',
  'cli/resume',
  'backends/sftp/conformance',
  'backends/nimbus/matrix',
  'backends/azure/memory',
  'backends/gcs/memory',
  'backends/local/hostile-names',
  'backends/local/deep-tree',
].map(name => `test/${name}.test.ts`)
for (const file of long) if (!others.includes(file)) throw new Error(`vitest.config.ts: there is no ${file}`)

/** What a file does that others in its process would notice, or be blamed for: it replaces modules or functions of Node, or measures the process. */
const NOTICED = /\bvi\.(?:mock|doMock|resetModules)\(|\/(?:hooks|work)\.ts'|\bmemoryUsage\(|'unhandledRejection'/
const alone = others.filter(file => long.includes(file) || NOTICED.test(readFileSync(path(file), 'utf8')))
const isReal = process.env['REAL_SERVERS'] === '1'

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const order = new Map(long.map((file, at) => [path(file), at]))
    const rank = ({ moduleId }: TestSpecification): number => order.get(moduleId) ?? long.length
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b))
  }
}

export default defineConfig({
  // The examples import the package by its name; here that is the source.
  resolve: {
    alias: [
      { find: /^holdall$/, replacement: path('src/index.ts') },
      { find: /^holdall\/storage-browser$/, replacement: path('src/serve/browser/index.ts') },
      {
        find: /^holdall\/(fields|fleet|http|remote|serve|static|testing|transfer|uploads)$/,
        replacement: path('src/$1/index.ts'),
      },
      { find: /^holdall\/(fastify|multer|nestjs)$/, replacement: path('src/frameworks/$1/index.ts') },
    ],
  },
  test: {
    testTimeout: 60_000,
    // With real servers the repetitions of all tests are in full as well.
    env: isReal ? { HOLDALL_TESTS: 'full' } : {},
    hookTimeout: 60_000,
    // One more than the cores of a small machine, since many files wait; real servers need the processor themselves.
    maxWorkers: isReal ? 2 : 3,
    // What runs side by side in a file waits more than it works.
    maxConcurrency: 16,
    pool: 'forks',
    sequence: { sequencer: LongestFirst },
    // To start a process and load `src` costs more than most files take: those share one for each worker.
    projects: [
      { extends: true, test: { name: 'alone', include: isReal ? [...real, ...alone] : alone, isolate: true } },
      {
        extends: true,
        test: { name: 'together', include: others.filter(file => !alone.includes(file)), isolate: false },
      },
    ],
  },
})
