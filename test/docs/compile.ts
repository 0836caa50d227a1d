/** Compiles the programs of the pages, all in one project, and runs them, each in a process of its own. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { transformSync } from 'rolldown/utils'
import { freePort } from '../servers/free-port.ts'
import { compilingOnce, type Ended, runNode } from '../support/child.ts'
import { lineIn, type Program, ROOT } from './code-blocks.ts'
import { SETUPS } from './setups.ts'

const PAGE_OPTIONS = {
  lib: ['esnext'],
  types: ['node'],
  noUncheckedIndexedAccess: false,
  noUnusedLocals: false,
  noUnusedParameters: false,
  experimentalDecorators: true,
  noEmit: true,
}

/** Where the compiler finds the source of each subpath of the package. */
export function sourcePaths(): Record<string, string[]> {
  const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    exports: Record<string, { types: string } | string>
  }
  const paths: Record<string, string[]> = {}
  for (const [subpath, target] of Object.entries(exports)) {
    if (typeof target === 'string') continue
    const source = target.types.replace('./dist/', 'src/').replace(/\.d\.ts$/, '.ts')
    paths[`holdall${subpath.slice(1)}`] = [join(ROOT, source)]
  }
  return paths
}

/** The file of a page's program. */
export const fileOf = (page: string): string => `${page.replace(/\.md$/, '').replaceAll('/', '-')}.ts`

/** The complaints of the compiler about the pages, each with page and line. */
export function compile(programs: readonly Program[], options: object = {}): string[] {
  const folder = mkdtempSync(join(ROOT, 'test/docs/compiled-'))
  try {
    for (const { page, text } of programs) writeFileSync(join(folder, fileOf(page)), text)
    const compilerOptions = { ...PAGE_OPTIONS, ...options, paths: sourcePaths() }
    const config = { extends: join(ROOT, 'tsconfig.check.json'), compilerOptions, include: ['*.ts'], exclude: [] }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
    const { stdout } = spawnSync(process.execPath, [tsc, '-p', folder, '--pretty', 'false'], {
      cwd: folder,
      encoding: 'utf8',
    })
    const lines = stdout.split('\n').filter(line => line.trim() !== '')
    return lines.map(line => located(line, programs))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function located(line: string, programs: readonly Program[]): string {
  const [, file, at, text] = /^([\w-]+\.ts)\((\d+),\d+\): (.*)$/.exec(line) ?? []
  const program = programs.find(({ page }) => fileOf(page) === file)
  if (program === undefined) return line
  return `${program.page}:${lineIn(program, Number(at)) ?? `setup line ${at}`}: ${text}`
}

/** The text that Node runs: it takes TypeScript as it is, but for decorators. */
function runnable(file: string, text: string): string {
  if (!/^\s*@\w+\(/m.test(text)) return text
  const { code, errors } = transformSync(file, text, { decorator: { legacy: true } })
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]!.message}`)
  return code
}

/** Runs the program of a page in an empty folder. */
export async function run(program: Program): Promise<Ended> {
  const folder = mkdtempSync(join(ROOT, 'test/docs/compiled-'))
  const cwd = mkdtempSync(join(tmpdir(), 'holdall-page-'))
  try {
    const file = join(folder, fileOf(program.page))
    const port = await freePort()
    writeFileSync(file, runnable(file, program.text.replaceAll('localhost:3000', `localhost:${port}`)))
    const own = { TMPDIR: cwd, PORT: `${port}`, ...SETUPS[program.page]?.env }
    const env = { ...compilingOnce(), NODE_NO_WARNINGS: '1', ...own }
    const preload = join(ROOT, 'test/support/holdall-source.ts')
    return await runNode(['--import', preload, file], { cwd, env })
  } finally {
    rmSync(folder, { recursive: true })
    rmSync(cwd, { recursive: true })
  }
}
