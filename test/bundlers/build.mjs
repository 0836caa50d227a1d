/** Bundles app.mjs with the bundler that is named, into a folder of that name. A warning counts as a failure. */
import { spawnSync } from 'node:child_process'

const NAME = process.argv[2]
const OUT = `out/${NAME}`
const ENTRY = './app.mjs'

function refuse(warnings) {
  if (warnings.length > 0) throw new Error(`${NAME} warns: ${warnings.join('\n')}`)
}

async function withEsbuild(format, extension) {
  const { build, formatMessages } = await import('esbuild')
  const outfile = `${OUT}/app.${extension}`
  const { warnings } = await build({ entryPoints: [ENTRY], bundle: true, platform: 'node', format, outfile })
  refuse(await formatMessages(warnings, { kind: 'warning' }))
}

async function withRollup() {
  const { rollup } = await import('rollup')
  const { nodeResolve } = await import('@rollup/plugin-node-resolve')
  const warnings = []
  const onLog = (level, log) => level === 'warn' && warnings.push(log.message)
  const bundle = await rollup({ input: ENTRY, plugins: [nodeResolve({ preferBuiltins: true })], onLog })
  await bundle.write({ dir: OUT, entryFileNames: 'app.mjs', chunkFileNames: '[name].mjs' })
  await bundle.close()
  refuse(warnings)
}

async function withWebpack() {
  const { default: webpack } = await import('webpack')
  const output = { path: `${import.meta.dirname}/${OUT}`, filename: 'app.cjs', chunkFilename: '[name].cjs' }
  const compiler = webpack({ mode: 'production', target: 'node22', entry: ENTRY, output })
  const stats = await new Promise((resolve, reject) => {
    compiler.run((error, result) => (error ? reject(error) : resolve(result)))
  })
  await new Promise(resolve => compiler.close(resolve))
  const { errors, warnings } = stats.toJson({ all: false, errors: true, warnings: true })
  refuse([...errors, ...warnings].map(({ message }) => message))
}

async function withVite() {
  const { build, createLogger } = await import('vite')
  const warnings = []
  const customLogger = createLogger('warn')
  customLogger.warn = message => warnings.push(message)
  customLogger.warnOnce = customLogger.warn
  await build({
    customLogger,
    configFile: false,
    ssr: { noExternal: true },
    build: {
      ssr: ENTRY,
      outDir: OUT,
      rolldownOptions: { output: { entryFileNames: 'app.mjs', chunkFileNames: '[name].mjs' } },
    },
  })
  refuse(warnings)
}

function withBun(format, extension) {
  const args = ['build', ENTRY, '--target=node', `--format=${format}`, `--outfile=${OUT}/app.${extension}`]
  const { status, stderr } = spawnSync('node_modules/.bin/bun', args, { encoding: 'utf8' })
  refuse(status === 0 && !stderr.includes('warn') ? [] : [stderr])
}

const BUNDLERS = {
  'esbuild-esm': () => withEsbuild('esm', 'mjs'),
  'esbuild-cjs': () => withEsbuild('cjs', 'cjs'),
  rollup: withRollup,
  webpack: withWebpack,
  'vite-ssr': withVite,
  'bun-esm': () => withBun('esm', 'mjs'),
  'bun-cjs': () => withBun('cjs', 'cjs'),
}

await BUNDLERS[NAME]()
