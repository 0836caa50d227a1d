// Writes the API reference, docs/reference/*.md, from the declarations in dist: build first. With --check it names the pages that are out of date; it always names exports without a doc comment.
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Declaration, Declarations, type Doc, type Kind, type Member } from './docs-declarations.ts'
import { wrapped as wrappedPage } from './docs-wrap.ts'

const ROOT = join(import.meta.dirname, '..')
const FOLDER = join(ROOT, 'docs/reference')
const WIDTH = 120

/** What a subpath of the package exports. */
interface Subpath {
  /** `holdall/s3`. */
  readonly name: string
  readonly page: string
  readonly exports: ReadonlyMap<string, Declaration>
}

const KIND_TITLES: ReadonlyArray<readonly [Kind, string]> = [
  ['class', 'Classes'],
  ['function', 'Functions'],
  ['const', 'Values'],
  ['namespace', 'Namespaces'],
  ['interface', 'Interfaces'],
  ['type', 'Types'],
]

const declarations = new Declarations()
const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  exports: Record<string, { types: string } | string>
}
const subpaths: readonly Subpath[] = Object.entries(exports).flatMap(([subpath, target]) => {
  if (typeof target === 'string') return []
  const name = `holdall${subpath.slice(1)}`
  const page = `${name.replace('holdall/', '')}.md`.replace('holdall.md', 'index.md')
  return [{ name, page, exports: declarations.exportsOf(join(ROOT, target.types)) }]
})

const identityOf = ({ file, name, kind }: Declaration): string => `${file}\n${kind} ${name}`

/** Where each declaration is described: at the first subpath that exports it, but a backend of the main entry at its own. */
const homes = new Map<string, Subpath>()
const OWN_FIRST = ['holdall/local', 'holdall/memory', 'holdall/config']
for (const subpath of [...subpaths.filter(({ name }) => OWN_FIRST.includes(name)), ...subpaths]) {
  for (const one of subpath.exports.values()) {
    if (!homes.has(identityOf(one))) homes.set(identityOf(one), subpath)
  }
}

/** All public names, so that a signature can link to them. */
const named = new Map<string, { readonly one: Declaration; readonly home: Subpath }>()
for (const subpath of subpaths) {
  for (const [name, one] of subpath.exports) {
    const home = homes.get(identityOf(one))!
    if (!named.has(name)) named.set(name, { one, home })
  }
}

const anchorOf = ({ kind, name }: Declaration): string => `${kind}-${name.toLowerCase()}`

function linkTo(name: string, page: string): string {
  const { one, home } = named.get(name)!
  return `[${name}](${home.page === page ? '' : home.page}#${anchorOf(one)})`
}

/** The public types that a signature names. */
function typesIn(signature: string, page: string, own: string): string[] {
  const names = new Set(signature.match(/\b[A-Z]\w+\b/g) ?? [])
  names.delete(own)
  return [...names].filter(name => named.has(name)).map(name => linkTo(name, page))
}

/** A paragraph in lines of at most `WIDTH` characters; code in backquotes stays on one line. */
function wrapped(text: string, indent = ''): string {
  const lines: string[] = []
  let line = indent
  for (const word of text.match(/(?:`[^`]*`|[^\s`])+/g) ?? []) {
    if (!['', '-'].includes(line.trim()) && line.length + word.length + 1 > WIDTH) {
      lines.push(line)
      line = indent
    }
    line += line.trim() === '' ? word : ` ${word}`
  }
  return [...lines, line].join('\n')
}

const paragraphs = (text: string, indent = ''): string =>
  text
    .split(/\n{2,}/)
    .map(part => (/^\s*[-|]/m.test(part) ? part.replace(/^/gm, indent) : wrapped(part.replace(/\n/g, ' '), indent)))
    .join('\n\n')

const fenced = (code: string, indent = ''): string => `\`\`\`ts\n${code}\n\`\`\``.replace(/^(?=.)/gm, indent)

function bodyOf(doc: Doc, indent = ''): string[] {
  const text = doc.text === '' ? [] : [paragraphs(doc.text, indent)]
  return [...text, ...doc.examples.map(example => `${indent}Example:\n\n${fenced(example, indent)}`)]
}

function memberOf({ signature, doc }: Member, page: string, own: string): string {
  const [first = '', ...more] = signature.split('\n')
  const types = typesIn(signature, page, own)
  const links = types.length === 0 ? '' : ` (${types.join(', ')})`
  const others = more.map(one => `, \`${one}\``).join('')
  const [text = '', ...rest] = doc.text.split(/\n{2,}/)
  const said = text === '' ? '' : `: ${text.replace(/\n/g, ' ')}`
  const head = wrapped(`- \`${first}\`${others}${links}${said}`).replace(/\n/g, '\n  ')
  return [head, ...bodyOf({ text: rest.join('\n\n'), examples: doc.examples }, '  ')].join('\n\n')
}

const isStatic = ({ signature }: Member): boolean => /^(?:static\b|constructor)/.test(signature)

/** The members that a declaration shows: its own, and those of bases that are not exported, which have no page. */
function membersOf(one: Declaration): readonly Member[] {
  const members = new Map(one.members.map(member => [member.name, member]))
  for (const base of declarations.basesOf(one).filter(({ name }) => !named.has(name))) {
    for (const member of membersOf(base))
      if (!members.has(member.name) && !isStatic(member)) members.set(member.name, member)
  }
  return [...members.values()]
}

/** Bases that have a page: the nearest ones. */
const shownBases = (one: Declaration): Declaration[] =>
  declarations.basesOf(one).flatMap(base => (named.has(base.name) ? [base] : shownBases(base)))

/** Public members that bases have and the declaration itself has not. */
function inheritedOf(one: Declaration, page: string, seen = new Set(membersOf(one).map(({ name }) => name))): string[] {
  return shownBases(one).flatMap(base => {
    const isPublic = (member: Member): boolean => !isStatic(member) && !member.signature.startsWith('protected')
    const names = membersOf(base)
      .filter(member => !seen.has(member.name) && isPublic(member))
      .map(({ name }) => name)
    for (const name of names) seen.add(name)
    const list = names.map(name => `\`${name}\``).join(', ')
    return [
      ...(names.length === 0 ? [] : [wrapped(`From ${linkTo(base.name, page)}: ${list}.`)]),
      ...inheritedOf(base, page, seen),
    ]
  })
}

function sectionOf(one: Declaration, page: string): string {
  const { kind, name, signatures } = one
  const members = membersOf(one)
  const heads = signatures.map(signature =>
    kind === 'class' || kind === 'interface' ? `${signature} { ... }` : signature,
  )
  const types = typesIn(signatures.join('\n'), page, name)
  const inherited = kind === 'class' || kind === 'interface' ? inheritedOf(one, page) : []
  return [
    `### ${kind} ${name}`,
    ...bodyOf(one.doc),
    fenced(kind === 'namespace' ? `import { ${name} } from 'holdall'` : heads.join('\n')),
    ...(types.length === 0 ? [] : [wrapped(`Types: ${types.join(', ')}.`)]),
    ...(members.length === 0 ? [] : [members.map(member => memberOf(member, page, name)).join('\n')]),
    ...inherited,
  ].join('\n\n')
}

function pageOf({ name, page, exports: all }: Subpath): string {
  const own = [...all.values()].filter(one => homes.get(identityOf(one))!.page === page)
  const others = [...all.keys()].filter(other => !own.some(one => one.name === other))
  const kinds = KIND_TITLES.map(([kind, title]) => [title, own.filter(one => one.kind === kind)] as const)
  const filled = kinds.filter(([, found]) => found.length > 0)
  const index = filled.map(([title, found]) =>
    wrapped(`${title}: ${found.map(one => linkTo(one.name, page)).join(', ')}.`),
  )
  const elsewhere =
    others.length === 0 ? [] : [wrapped(`Exported here too: ${others.map(one => linkTo(one, page)).join(', ')}.`)]
  const sections = filled.flatMap(([title, found]) => [`## ${title}`, ...found.map(one => sectionOf(one, page))])
  const note = '<!-- Written by `npm run docs:reference` from the doc comments: edit those. -->'
  return `${[note, `# ${name}`, ...index, ...elsewhere, ...sections].join('\n\n')}\n`
}

function overview(): string {
  const rows = subpaths.map(({ name, page, exports: all }) => {
    const own = [...all.values()].filter(one => homes.get(identityOf(one))!.page === page)
    const first = KIND_TITLES.flatMap(([kind]) => own.filter(one => one.kind === kind)).slice(0, 4)
    return `| [${name}](${page}) | ${own.length} | ${first.map(one => linkTo(one.name, '')).join(', ')} |`
  })
  return `# API reference

One page for each subpath of the package, written by \`npm run docs:reference\` from the doc comments. The [guide](../guide.md)
is the place to begin.

| Import | Names | Among them |
|---|---|---|
${rows.join('\n')}
`
}

const pages = new Map([['README.md', overview()], ...subpaths.map(one => [one.page, pageOf(one)] as const)])
const isChecking = process.argv.includes('--check')
const stale: string[] = []
mkdirSync(FOLDER, { recursive: true })
const present = globSync('*.md', { cwd: FOLDER })
for (const [page, written] of pages) {
  const path = join(FOLDER, page)
  const text = wrappedPage(written)
  if (present.includes(page) && readFileSync(path, 'utf8') === text) continue
  stale.push(page)
  if (!isChecking) writeFileSync(path, text)
}
for (const page of present.filter(name => !pages.has(name))) {
  stale.push(page)
  if (!isChecking) rmSync(join(FOLDER, page))
}
const missing = subpaths.flatMap(({ name, exports: all }) =>
  [...all.values()]
    .filter(({ doc, kind }) => doc.text === '' && kind !== 'namespace')
    .map(one => `${name}: ${one.name}`),
)
console.log(
  `${pages.size} pages, ${stale.length} ${isChecking ? 'out of date' : 'written'} ${stale.join(' ')}`.trimEnd(),
)
if (missing.length > 0) console.error(`without a doc comment:\n${[...new Set(missing)].join('\n')}`)
if (missing.length > 0 || (isChecking && stale.length > 0)) process.exitCode = 1
