/** The examples of the doc comments, as the reference shows them, each as a program of its own. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseSync } from 'oxc-parser'
import { blocksOf, type Program, ROOT } from './code-blocks.ts'

/** Names that examples use without a declaration, and what they stand for. What is not listed may be anything. */
const KNOWN: Readonly<Record<string, string>> = {
  storage: "import('holdall').Storage",
  stream: "import('node:stream').Readable",
  buffer: 'Buffer',
  bytes: 'Buffer',
  request: 'Request',
  file: 'File',
  requestToken: '(ctx?: unknown) => Promise<{ text: string; expiresAt: Date }>',
  tokens: "import('holdall/remote').Renewed<{ text: string; expiresAt: Date }>",
  ShelfOptions: "import('holdall/remote').ObjectOptions",
  shelfSettings: "import('holdall').SettingsOf<import('holdall/remote').ObjectOptions>",
}

/** Names of other packages that examples use without an import. */
const PACKAGES: Readonly<Record<string, string>> = {
  createServer: 'node:http',
  customType: 'drizzle-orm/sqlite-core',
  Hono: 'hono',
  html: 'hono/html',
  integer: 'drizzle-orm/sqlite-core',
  Kysely: 'kysely',
  Module: '@nestjs/common',
  multer: 'multer',
  ProxyAgent: 'undici',
  sqliteTable: 'drizzle-orm/sqlite-core',
}

/** For each page the names that it describes, and its subpath. */
function publicNames(): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const pages = new Map<string, ReadonlyMap<string, string>>()
  for (const page of globSync('docs/reference/*.md', { cwd: ROOT })) {
    const text = readFileSync(join(ROOT, page), 'utf8')
    const subpath = /^# (holdall\S*)$/m.exec(text)?.[1]
    if (subpath === undefined) continue
    const headings = text.matchAll(/^### (?:class|function|const|interface|type|namespace) (\w+)$/gm)
    pages.set(page, new Map(Array.from(headings, ([, name]) => [name!, subpath])))
  }
  return pages
}

/** How a piece of code can stand in a module: alone, as part of an object, or as part of a class. */
const FORMS: ReadonlyArray<(code: string) => string> = [
  code => code,
  code => `class Example { [name: string]: any\n${code}\n}`,
  code => `class Example { [name: string]: any\nasync run(ctx: any) {\n${code}\n} }`,
  code => `void ({\n${code}\n})`,
]

const inModule = (code: string): string | undefined =>
  FORMS.slice(code.includes('this.') ? 1 : 0)
    .map(form => form(code.replaceAll('this.#', 'this.')))
    .find(text => parseSync('example.ts', text).errors.length === 0)

/** An example with the imports of the public names that it uses. */
function programOf(
  page: string,
  index: number,
  code: string,
  line: number,
  names: ReadonlyMap<string, string>,
): Program {
  const text = inModule(code)
  if (text === undefined) throw new Error(`${page}:${line}: the example is no code`)
  const plain = text.replace(/\/\/.*$|'[^'\n]*'/gm, '')
  const own = new Set(
    Array.from(
      plain.matchAll(/\b(?:const|let|using|class|function|interface|import \{|[{,]) (\w+)\b(?! as\b)/g),
      ([, name]) => name!,
    ),
  )
  const used = new Set(plain.match(/(?<!\.)\b[A-Za-z]\w+\b(?!\??:(?!:))/g) ?? [])
  const imports = [...used].flatMap(name =>
    names.has(name) && !own.has(name) ? [`import { ${name} } from '${names.get(name)}'`] : [],
  )
  const others = [...used].flatMap(name => {
    if (own.has(name) || !Object.hasOwn(PACKAGES, name)) return []
    return [`import ${name === 'multer' ? name : `{ ${name} }`} from '${PACKAGES[name]}'`]
  })
  const start = `${[...imports, ...others].join('\n')}\n`
  const at = start.split('\n').length
  const file = page.replace(/\.md$/, `-${index + 1}.md`)
  return { page: file, text: `${start}${text}\nexport {}\n`, places: [{ at, line, lines: text.split('\n').length }] }
}

/** All examples of the reference. */
export function examplePrograms(): readonly Program[] {
  const pages = publicNames()
  const all = new Map([...pages.values()].flatMap(names => [...names]))
  return globSync('docs/reference/*.md', { cwd: ROOT }).flatMap(page => {
    const lines = readFileSync(join(ROOT, page), 'utf8').split('\n')
    const blocks = blocksOf(page).filter(
      ({ line }) => lines[line - 4]?.trim() === 'Example:' || lines[line - 3]?.trim() === 'Example:',
    )
    return blocks.map(({ code, line }, index) =>
      programOf(page, index, code, line, new Map([...all, ...(pages.get(page) ?? [])])),
    )
  })
}

/** The programs with declarations of the names that the compiler did not find. */
export function withMissing(programs: readonly Program[], complaints: readonly string[]): readonly Program[] {
  return programs.map(program => {
    const own = complaints.filter(complaint => complaint.startsWith(`${program.page}:`))
    const found = own.flatMap(
      complaint => /(?:Cannot find name|for the shorthand property) '(\w+)'/.exec(complaint)?.[1] ?? [],
    )
    const declared = [...new Set(found)].map(
      name => `declare let ${name}: ${KNOWN[name] ?? 'any'}; type ${name} = ${KNOWN[name] ?? 'any'}`,
    )
    return { ...program, text: `${program.text}${declared.join('\n')}\n` }
  })
}
