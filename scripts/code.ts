/** The JavaScript of `dist/`, by rolldown in a few files: each file costs a cold import about 0.4 ms. */
import { globSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type OutputOptions, type Plugin, rolldown } from 'rolldown'
import { BACKENDS } from '../src/config/backend-table.ts'
import { mediaTypes } from '../src/core/media-types.ts'
import { pageTypes } from '../src/serve/browser/page-files.ts'

export const root = join(import.meta.dirname, '..')

/** The folders of backends by chunk. */
const BACKEND_FOLDERS: Record<string, string[]> = {}
for (const { chunk, folder } of BACKENDS) (BACKEND_FOLDERS[chunk] ??= []).push(`backends/${folder}`)
// What one backend alone needs of the floor.
BACKEND_FOLDERS['sftp']?.push('remote/ssh')
BACKEND_FOLDERS['swift']?.push('remote/openstack')
const { config: CONFIG_BACKENDS = [], ...OTHER_BACKENDS } = BACKEND_FOLDERS

/** Which folders of `src` share a chunk, code and declarations alike. A chunk takes from those after it what it imports. */
const CHUNKS = {
  core: /^(core|files|layers|storage)\/(?!(?:globs|patterns|lazy-globs)\.ts$)/,
  globs: /^(core\/(globs|patterns)|storage\/lazy-globs)\.ts$/,
  config: new RegExp(`^(${CONFIG_BACKENDS.join('|')}|config)/|^index\\.ts$`),
  remote: /^(http|remote)\/(?!(?:ssh|openstack)\/)/,
  ...Object.fromEntries(
    Object.entries(OTHER_BACKENDS).map(([chunk, folders]) => [chunk, new RegExp(`^(${folders.join('|')})/`)]),
  ),
  serve: /^serve\/(?!browser\/)/,
  'storage-browser': /^serve\/browser\//,
  fields: /^fields\//,
  uploads: /^uploads\//,
  static: /^static\//,
  transfer: /^transfer\//,
  fleet: /^fleet\//,
  orm: /^orm\/[^/]+$/,
  cli: /^cli\/(?!bin\.ts$|compile-cache\.ts$)/,
  testing: /^testing\//,
}

/** The sources by the names that their files get in `dist`: every subpath of the package, and the command line. */
export function entries(): Record<string, string> {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { default: string }>
  }
  const targets = Object.values(manifest.exports).flatMap(target => (typeof target === 'string' ? [] : target.default))
  const names = [...targets.map(target => target.slice('./dist/'.length, -'.js'.length)), 'cli/bin', 'cli/main']
  return Object.fromEntries(names.map(name => [name, join(root, `src/${name}.ts`)]))
}

function chunkOf(id: string, folder: string): string | null {
  if (id.includes('/node_modules/picomatch/')) return 'globs'
  if (id.startsWith('\0')) return 'core'
  const path = id.slice(folder.length + 1).replaceAll('\\', '/')
  return Object.entries(CHUNKS).find(([, test]) => test.test(path))?.[0] ?? null
}

/**
 * The first code of the package: on a runtime that is too old, the import fails at once with a sentence that names what is needed. Bun,
 * Deno and Workers name a version of Node that they follow, and are asked only for what the next lines use.
 */
const RUNTIME_CHECK = `{
	const { process: it, Bun, Deno, WebSocketPair } = globalThis, version = it?.versions?.node ?? "";
	const [major, minor] = version.split(".").map(Number);
	if (Bun || Deno || WebSocketPair || version === "") {
		if (!it?.getBuiltinModule?.("node:fs"))
			throw new Error("holdall needs Node 22.18 or newer, a current Bun or Deno, or a Worker with nodejs_compat and a compatibility_date of 2026-02-10 or later.");
	} else if (major < 22 || (major === 22 && minor < 18))
		throw new Error("holdall needs Node 22.18 or newer, and this is " + version + " (" + it.execPath + ").");
}`

/** The chunks of modules that lie in `folder` as they do in `src`. */
export function groupsOf(folder: string): NonNullable<OutputOptions['codeSplitting']> {
  const names = Object.keys(CHUNKS)
  return {
    groups: names.map((name, index) => ({
      name,
      test: id => chunkOf(id, folder) === name,
      priority: names.length - index,
    })),
  }
}

/** Ends the build at the first warning. */
export function strict(level: string, log: unknown, report: (level: never, log: never) => void): void {
  // How long plugins take depends on what else the machine does.
  if ((log as { readonly code?: unknown }).code === 'PLUGIN_TIMINGS') return
  report((level === 'warn' ? 'error' : level) as never, log as never)
}

/** Puts the tables of media types into the code as text, which is parsed at the first guess, with the licence that they come under. */
const tables: Plugin = {
  name: 'media-types',
  load(id) {
    if (id !== join(root, 'src/core/media-types.ts')) return undefined
    const licence = readFileSync(join(root, 'node_modules/mime/LICENSE'), 'utf8').trim()
    const text = JSON.stringify(JSON.stringify(mediaTypes()))
    return {
      code: `/*! The media types below are those of the package "mime".\n\n${licence} */\nexport const mediaTypes = () => JSON.parse(${text})`,
      moduleType: 'js',
    }
  },
}

const PAGE = join(root, 'src/serve/browser/page')

/** Puts the files of the storage browser's page into the code, so that the package needs no files beside its modules. */
const page: Plugin = {
  name: 'page',
  load(id) {
    if (id !== join(root, 'src/serve/browser/page-files.ts')) return undefined
    const texts = Object.fromEntries(
      [...pageTypes.keys()].map(name => [name, readFileSync(join(PAGE, name), 'utf8')] as const),
    )
    return {
      code: `const texts = ${JSON.stringify(texts)}
export const pageTypes = new Map(${JSON.stringify([...pageTypes])})
export const pageText = name => texts[name]`,
      moduleType: 'js',
    }
  },
}

/** Puts picomatch into the code, with its licence: it is a CommonJS module, which Rollup and browsers cannot import. */
const globs: Plugin = {
  name: 'picomatch',
  transform(code, id) {
    if (!id.replaceAll('\\', '/').endsWith('/node_modules/picomatch/index.js')) return undefined
    const licence = readFileSync(join(root, 'node_modules/picomatch/LICENSE'), 'utf8').trim()
    return { code: `/*! The package "picomatch":\n\n${licence} */\n${code}` }
  },
}

/** Writes the JavaScript of every subpath and the command line into a folder. */
export async function writeCode(folder: string): Promise<void> {
  const bundle = await rolldown({
    cwd: root,
    input: entries(),
    platform: 'node',
    transform: { target: 'node22.18' },
    // What `await using` becomes for Node 22, and picomatch, are the only code of others that is shipped inside.
    external: id => !/^[./\\\0]|^[a-z]:[/\\]|^@oxc-project\/runtime\/|^picomatch$/i.test(id),
    plugins: [tables, globs, page],
    onLog: strict,
  })
  await bundle.write({
    dir: folder,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name].js',
    codeSplitting: groupsOf(join(root, 'src')),
    banner: chunk => (chunk.name === 'core' ? RUNTIME_CHECK : ''),
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

/** What the JavaScript is made of, from the root. */
export function inputs(): string[] {
  return ['package.json', 'scripts/code.ts', ...globSync(['src/**/*.ts', 'src/serve/browser/page/*'], { cwd: root })]
}
