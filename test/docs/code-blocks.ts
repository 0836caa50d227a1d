/** The code of the pages, as programs: the blocks of a page are one program, in which a later block sees what the earlier ones declared. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SETUPS, type Setup } from './setups.ts'

export const ROOT: string = join(import.meta.dirname, '../..')

/** A fenced block of a page. */
export interface Block {
  readonly page: string
  readonly language: string
  /** What stands behind the language: `no-run: the reason` for what can be compiled only. */
  readonly info: string
  readonly code: string
  /** The line of the page on which its code begins, from 1. */
  readonly line: number
}

/** A program, made of the blocks of a page. */
export interface Program {
  readonly page: string
  readonly text: string
  /** For each block its first line in the program and in the page, and how many it has; from 1. */
  readonly places: ReadonlyArray<{ readonly at: number; readonly line: number; readonly lines: number }>
}

/** The pages whose code is checked. Those of the reference show declarations only. */
export const PAGES: readonly string[] = ['README.md', ...globSync('docs/**/*.md', { cwd: ROOT })]
  .filter(page => !page.startsWith('docs/reference/'))
  .sort()

/** Programs of the examples, which are compiled by `npm run types` and run by tests of their own. */
const SHOWN = new Set(
  globSync('examples/**/*.ts', { cwd: ROOT, exclude: ['**/node_modules'] }).map(file =>
    readFileSync(join(ROOT, file), 'utf8'),
  ),
)

/** All fenced blocks of a page. */
export function blocksOf(page: string): readonly Block[] {
  const text = readFileSync(join(ROOT, page), 'utf8')
  const fences = text.matchAll(/^( *)```([a-z]*)([^\n]*)\n([\s\S]*?)^ *```$/gm)
  return Array.from(fences, ({ index, 1: indent, 2: language, 3: info, 4: code }) => ({
    page,
    language: language!,
    info: info!.trim(),
    code: code!.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
    line: text.slice(0, index).split('\n').length + 1,
  }))
}

/** The blocks in TypeScript that no example has word for word. */
export const codeOf = (page: string): readonly Block[] =>
  blocksOf(page).filter(({ language, code }) => language === 'ts' && !SHOWN.has(code))

/** Why a block is not run; undefined for one that is. */
export const reasonOf = ({ info }: Block): string | undefined => /^no-run: (.+)$/.exec(info)?.[1]

/** The imports of all blocks as one list, with each name once. */
class Imports {
  readonly #names = new Map<string, string>()
  readonly #bare = new Set<string>()
  readonly #modules: Readonly<Record<string, string>>

  constructor(modules: Readonly<Record<string, string>> = {}) {
    this.#modules = modules
  }

  /** Takes the imports out of a piece of code, and leaves as many lines. */
  take(code: string): string {
    return code.replace(/^import (?:(type )?([^'"]*?) from )?'([^']+)'$/gm, (text, type = '', names, named) => {
      const from = this.#modules[named] ?? named
      if (names === undefined) this.#bare.add(from)
      else for (const name of namesOf(names)) this.#names.set(`${name.local}\n${from}`, lineOf(type, name, from))
      return text.replace(/[^\n]/g, '')
    })
  }

  toString(): string {
    return [...this.#names.values(), ...Array.from(this.#bare, from => `import '${from}'`)].join('\n')
  }
}

interface ImportedName {
  readonly local: string
  readonly text: string
  readonly isNamed: boolean
}

function namesOf(text: string): readonly ImportedName[] {
  const [, outside = '', inside = ''] = /^([^{]*)(?:\{([\s\S]*)\})?$/.exec(text)!
  const parts = (list: string): string[] =>
    list
      .split(',')
      .map(part => part.trim())
      .filter(part => part !== '')
  const named = (isNamed: boolean) => (part: string) => ({
    local: part.split(/ as |^type /).at(-1)!,
    text: part,
    isNamed,
  })
  return [...parts(outside).map(named(false)), ...parts(inside).map(named(true))]
}

function lineOf(type: string, { text, isNamed }: ImportedName, from: string): string {
  return `import ${type}${isNamed ? `{ ${text} }` : text} from '${from}'`
}

/** Statements that stand at the top of a module only. */
const asStatements = (code: string): string =>
  code
    .replace(/^export default /gm, 'void ')
    .replace(/^export (?=(?:abstract |async )?(?:class|interface|type|const|let|function)\b)/gm, '')

/** What listens at a port of its own takes the one that the environment has. */
const atFreePort = (code: string): string =>
  code
    .replace(/\blisten\(\d+/g, 'listen(Number(process.env.PORT)')
    .replace(/\bport: \d+/g, 'port: Number(process.env.PORT)')

/** The program of a page: `isRun` leaves out what is compiled only. Undefined where no code is left. */
export function programOf(page: string, isRun: boolean): Program | undefined {
  const setup: Setup = SETUPS[page] ?? {}
  const blocks = codeOf(page).filter(block => !isRun || reasonOf(block) === undefined)
  if (blocks.length === 0) return undefined
  const imports = new Imports(setup.modules)
  const start = imports.take(setup.start ?? '')
  const inside = imports.take(isRun ? (setup.inside ?? '') : '')
  const end = imports.take(isRun ? (setup.end ?? '') : '')
  const top: string[] = []
  const codes = blocks.map(({ code }) => {
    const modules = imports.take(code).replace(/^declare module [\s\S]*?^\}$/gm, text => {
      top.push(text)
      return text.replace(/[^\n]/g, '')
    })
    return asStatements(modules)
  })
  // Scopes in scopes: a later block sees the names of the earlier ones, and may declare them anew.
  let text = `${[imports, ...top, start].join('\n')}\n{\n${inside}\n`
  const places = codes.map((code, index) => {
    text += '{\n'
    const at = text.split('\n').length
    text += `${isRun ? atFreePort(code) : code}\n`
    return { at, line: blocks[index]!.line, lines: code.split('\n').length }
  })
  text += `${end}\n${'}'.repeat(codes.length + 1)}\n${isRun && !setup.goesOn ? 'process.exit()\n' : ''}export {}\n`
  return { page, text, places }
}

/** The line of the page that a line of its program comes from. */
export function lineIn({ places }: Program, line: number): number | undefined {
  const place = places.find(({ at, lines }) => line >= at && line < at + lines)
  return place && place.line + line - place.at
}
