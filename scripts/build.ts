/**
 * Builds `dist/`: declarations by the compiler, JavaScript by rolldown in a few files (each file costs a cold import about 0.4 ms).
 * A build that is newer than every source is kept; a new one replaces the old one at its end.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, globSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { rolldown } from 'rolldown'
import { BACKENDS } from '../src/config/backend-table.ts'

const root = join(import.meta.dirname, '..')
const dist = join(root, 'dist')

/** The folders of backends by chunk. */
const BACKEND_FOLDERS: Record<string, string[]> = {}
for (const { chunk, folder } of BACKENDS) (BACKEND_FOLDERS[chunk] ??= []).push(`backends/${folder}`)
const { core: CORE_BACKENDS = [], ...OTHER_BACKENDS } = BACKEND_FOLDERS

/** Which folders of `src` share a chunk. A chunk takes from those after it what it imports. */
const CHUNKS = {
  core: new RegExp(`^(core|files|layers|storage|${CORE_BACKENDS.join('|')}|config)/|^index\\.ts$`),
  remote: /^(http|remote)\//,
  ...Object.fromEntries(
    Object.entries(OTHER_BACKENDS).map(([chunk, folders]) => [chunk, new RegExp(`^(${folders.join('|')})/`)]),
  ),
  serve: /^serve\//,
  cli: /^cli\/(?!bin\.ts$|compile-cache\.ts$)/,
  testing: /^testing\//,
}

function modified(path: string): number {
  return statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs ?? 0
}

/** The sources by the names that their files get in `dist`: every subpath of the package, and the command line. */
function entries(): Record<string, string> {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { default: string }>
  }
  const targets = Object.values(manifest.exports).flatMap(target => (typeof target === 'string' ? [] : target.default))
  const names = [...targets.map(target => target.slice('./dist/'.length, -'.js'.length)), 'cli/bin', 'cli/main']
  return Object.fromEntries(names.map(name => [name, join(root, `src/${name}.ts`)]))
}

function chunkOf(id: string): string | null {
  if (id.startsWith('\0')) return 'core'
  const path = id.slice(join(root, 'src/').length).replaceAll('\\', '/')
  return Object.entries(CHUNKS).find(([, test]) => test.test(path))?.[0] ?? null
}

/** Only what the subpaths' declarations lead to is kept. */
function declarations(folder: string): void {
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const options = ['--emitDeclarationOnly', '--declarationMap', 'false', '--sourceMap', 'false', '--outDir', folder]
  const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.json', ...options], {
    cwd: root,
    stdio: 'inherit',
  })
  if (status !== 0) throw new Error(`tsc ended with status ${status}`)
  const reached = new Set(Object.keys(entries()).filter(name => !name.startsWith('cli/')))
  for (const name of reached) {
    const text = readFileSync(join(folder, `${name}.d.ts`), 'utf8')
    for (const [, path] of text.matchAll(/['"](\.[^'"]+)\.ts['"]/g)) reached.add(posix.join(posix.dirname(name), path!))
  }
  for (const file of globSync('**/*.d.ts', { cwd: folder })) {
    if (!reached.has(file.slice(0, -'.d.ts'.length).replaceAll('\\', '/'))) rmSync(join(folder, file))
  }
}

async function scripts(folder: string): Promise<void> {
  const bundle = await rolldown({
    cwd: root,
    input: entries(),
    platform: 'node',
    transform: { target: 'node22.18' },
    // What `await using` becomes for Node 22 is the one thing of others that is shipped inside.
    external: id => !/^[./\\\0]|^[a-z]:[/\\]|^@oxc-project\/runtime\//i.test(id),
    onLog(level, log, report) {
      report(level === 'warn' ? 'error' : level, log)
    },
  })
  await bundle.write({
    dir: folder,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name].js',
    codeSplitting: {
      groups: Object.keys(CHUNKS).map((name, index) => ({
        name,
        test: id => chunkOf(id) === name,
        priority: 9 - index,
      })),
    },
    minify: false,
    comments: { legal: true, annotation: false, jsdoc: false },
    sourcemap: false, // The code is readable as it is, and the sources that a map would lead to are not shipped.
  })
  await bundle.close()
  for (const file of globSync('**/*.js', { cwd: folder })) {
    const path = join(folder, file)
    writeFileSync(path, withBuiltins(readFileSync(path, 'utf8'), file), { mode: statSync(path).mode })
  }
}

/**
 * Gets Node's modules without their ES module, which reads every getter: `import 'node:http'` loads a WebSocket client and takes
 * 25 ms, the module itself takes 2.
 */
function withBuiltins(text: string, file: string): string {
  const result = text.replace(/^import (?:(\w+)|\{([^}]*)\}) from "(node:[\w/]+)";$/gm, (_, whole, names, name) => {
    const target = whole ?? `{${names.replace(/ as /g, ': ')}}`
    return `const ${target} = process.getBuiltinModule("${name}");`
  })
  const left = /^import\b.*"node:.*$|^(?:class|const) (\w+\$\d+)\b(?= extends| = class)/m.exec(result)
  if (left !== null) throw new Error(`${file}: not to be shipped: ${left[0]}`)
  return result
}

const inputs = ['tsconfig.json', 'package.json', 'scripts/build.ts', ...globSync('src/**/*.ts', { cwd: root })]
if (modified('dist/cli/bin.js') < Math.max(...inputs.map(modified))) {
  const folder = `${dist}.${process.pid}.tmp`
  try {
    declarations(folder)
    await scripts(folder)
    chmodSync(join(folder, 'cli/bin.js'), 0o755)
    rmSync(dist, { recursive: true, force: true })
    renameSync(folder, dist)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
