// Reads the declarations that were built: what each subpath of the package exports, with its doc comments.
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseSync } from 'oxc-parser'

/** A node of the syntax tree, of which only places and a few names are looked at. */
interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  // biome-ignore lint/suspicious/noExplicitAny: the tree has many shapes, and this reads a few fields of it.
  readonly [field: string]: any
}

/** What stands in a doc comment. */
export interface Doc {
  readonly text: string
  readonly examples: readonly string[]
}

export type Kind = 'class' | 'function' | 'interface' | 'type' | 'const' | 'namespace'

/** A member of a class or an interface. */
export interface Member {
  readonly name: string
  /** As it is declared, without the line's end. */
  readonly signature: string
  readonly doc: Doc
}

/** A declaration with a name. Overloads have several signatures. */
export interface Declaration {
  readonly name: string
  readonly kind: Kind
  readonly signatures: readonly string[]
  readonly doc: Doc
  readonly members: readonly Member[]
  /** Names of the types that it extends. */
  readonly bases: readonly string[]
  /** Where it is declared, so that a name of two files is two things. */
  readonly file: string
}

const NO_DOC: Doc = { text: '', examples: [] }

/** A file of declarations. */
class Source {
  readonly file: string
  readonly text: string
  readonly #body: readonly Node[]
  readonly #comments: ReadonlyArray<{ readonly value: string; readonly start: number; readonly end: number }>
  readonly #declared = new Map<string, Node[]>()
  readonly imports = new Map<string, { readonly from: string; readonly name: string }>()
  readonly exports = new Map<string, string>()

  constructor(file: string) {
    if (!existsSync(file)) throw new Error(`There is no ${file}: run scripts/build.ts first.`)
    this.file = file
    this.text = readFileSync(file, 'utf8')
    const { program, comments, errors } = parseSync(file, this.text)
    if (errors.length > 0) throw new Error(`${file}: ${errors[0]!.message}`)
    this.#body = program.body as unknown as Node[]
    this.#comments = comments.filter(({ type, value }) => type === 'Block' && value.startsWith('*'))
    for (const node of this.#body) this.#read(node)
  }

  #read(node: Node): void {
    if (node.type === 'ImportDeclaration') {
      for (const one of node['specifiers'] as Node[]) {
        this.imports.set(one['local'].name, { from: node['source'].value, name: one['imported']?.name ?? 'default' })
      }
      return
    }
    for (const one of (node['specifiers'] as Node[] | undefined) ?? []) {
      this.exports.set(one['exported'].name, one['local'].name)
    }
    const declaration: Node | null = node.type === 'ExportNamedDeclaration' ? node['declaration'] : node
    if (declaration === null) return
    const names = declaration['declarations']?.map((one: Node) => one['id'].name) ?? [declaration['id']?.name]
    for (const name of names) {
      if (name === undefined) continue
      this.#declared.set(name, [...(this.#declared.get(name) ?? []), { ...declaration, start: node.start }])
      if (node !== declaration) this.exports.set(name, name)
    }
  }

  /** The names that a namespace of this file exports. */
  namespaceNames(node: Node): string[] {
    const [list] = (node['body']?.body ?? []) as Node[]
    return ((list?.['specifiers'] ?? []) as Node[]).map(one => one['local'].name)
  }

  declared(name: string): readonly Node[] {
    return this.#declared.get(name) ?? []
  }

  /** The comment that ends right before a node. */
  docOf(node: Node): Doc {
    const comment = this.#comments.findLast(({ end }) => end <= node.start)
    if (comment === undefined || this.text.slice(comment.end, node.start).trim() !== '') return NO_DOC
    const lines = comment.value.slice(1).split('\n')
    const text = lines.map(line => line.replace(/^\s*\* ?/, '').trimEnd()).join('\n')
    const [said = '', ...tagged] = text.split(/^\s*@example\b/m)
    return {
      text: said.replace(/\{@link ([^}]+)\}/g, '`$1`').trim(),
      examples: tagged.map(example => example.replace(/^```\w*$/gm, '').trim()),
    }
  }
}

/** The declarations below a folder. */
export class Declarations {
  readonly #sources = new Map<string, Source>()

  source(file: string): Source {
    const known = this.#sources.get(file) ?? new Source(file)
    this.#sources.set(file, known)
    return known
  }

  /** What a file exports, by name. */
  exportsOf(file: string): Map<string, Declaration> {
    const { exports } = this.source(file)
    const found = Array.from(exports, ([name, local]) => [name, this.#find(file, local, name)] as const)
    return new Map(found.sort(([a], [b]) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1)))
  }

  #find(file: string, local: string, name: string): Declaration {
    const source = this.source(file)
    const imported = source.imports.get(local)
    if (imported !== undefined) {
      const target = join(dirname(file), imported.from.replace(/\.js$/, '.d.ts'))
      return this.#find(target, this.source(target).exports.get(imported.name) ?? imported.name, name)
    }
    const nodes = source.declared(local)
    if (nodes.length === 0) throw new Error(`${file}: ${local} is not declared`)
    return declarationOf(source, nodes, name)
  }

  /** A type that a declaration names, with the members that it inherits, base by base. */
  basesOf({ bases, file }: Declaration): Declaration[] {
    return bases.flatMap(base => {
      const { imports } = this.source(file)
      const isKnown = this.source(file).declared(base).length > 0 || imports.get(base)?.from.startsWith('.')
      return isKnown ? [this.#find(file, base, base)] : []
    })
  }
}

const KINDS: Readonly<Record<string, Kind>> = {
  ClassDeclaration: 'class',
  TSDeclareFunction: 'function',
  TSInterfaceDeclaration: 'interface',
  TSTypeAliasDeclaration: 'type',
  VariableDeclaration: 'const',
  TSModuleDeclaration: 'namespace',
}

function declarationOf(source: Source, nodes: readonly Node[], name: string): Declaration {
  // A class may have an interface of its name beside it, which says more of its type.
  const [first] = nodes as readonly [Node]
  const kind = KINDS[first.type]
  if (kind === undefined) throw new Error(`${source.file}: ${name} is a ${first.type}`)
  const members = nodes.flatMap(node => membersOf(source, node))
  const documented = nodes.map(node => source.docOf(node)).find(({ text }) => text !== '')
  const signatures = nodes.map(node => signatureOf(source, node))
  return {
    name,
    kind,
    signatures,
    doc: documented ?? NO_DOC,
    members,
    bases: nodes.flatMap(basesIn),
    file: source.file,
  }
}

function basesIn(node: Node): string[] {
  const heritage = [
    node['superClass'],
    ...(node['extends'] ?? []).map((one: Node) => one['expression']),
  ] as Array<Node | null>
  return heritage.flatMap(one => (one?.type === 'Identifier' ? [one['name'] as string] : []))
}

/** The head of a declaration, or all of one without members. */
function signatureOf(source: Source, node: Node): string {
  const { body } = node
  if (node.type === 'TSModuleDeclaration') return `namespace: ${source.namespaceNames(node).join(', ')}`
  const end = body?.start !== undefined && body.body !== undefined ? body.start : node.end
  return withoutComments(source.text.slice(node.start, end))
    .replace(/^export /, '')
    .replace(/^declare /, '')
    .replace(/;$/, '')
    .trim()
}

/** Declarations inside of a type have comments of their own, which stay out of a signature. */
const withoutComments = (text: string): string => text.replace(/\s*\/\*\*[\s\S]*?\*\//g, '').replace(/\$\d+\b/g, '')

const isInner = (node: Node): boolean =>
  node['accessibility'] === 'private' || node['key']?.type === 'PrivateIdentifier'

function membersOf(source: Source, node: Node): Member[] {
  const all = (
    Array.isArray(node['body']?.body) && node.type !== 'TSModuleDeclaration' ? node['body'].body : []
  ) as Node[]
  const members = new Map<string, Member>()
  for (const one of all.filter(member => !isInner(member))) {
    const { key, start, end } = one
    const name: string = key === undefined ? '' : source.text.slice(key.start, key.end)
    const place = `${one['static'] ? 'static ' : ''}${one['computed'] ? `[${name}]` : name || 'call'}`
    const signature = withoutComments(source.text.slice(start, end)).replace(/;$/, '').replace(/\s+/g, ' ').trim()
    const before = members.get(place)
    const doc = source.docOf(one)
    // Overloads, and a property that is read and set, are one member.
    if (before === undefined) members.set(place, { name: place, signature, doc })
    else
      members.set(place, {
        ...before,
        signature: `${before.signature}\n${signature}`,
        doc: before.doc.text ? before.doc : doc,
      })
  }
  return [...members.values()]
}
