import { StorageError } from '../core/errors.ts'
import { changed, type Digest, digestOf, readDigest } from './digest.ts'
import type { ManifestPlan } from './options.ts'
import { finderOf } from './references/index.ts'
import type { Reference, ReferenceFinder } from './references/reference.ts'
import type { RunReport } from './report.ts'
import { resolveReference } from './resolve.ts'
import { SourceText } from './text.ts'
import type { StaticFile } from './types.ts'

/** Maximum size in bytes of a text whose references are rewritten. */
const MAX_TEXT = 64 * 1024 * 1024

/** Maximum size in bytes of all texts whose references are kept from the first pass to the second; the others are searched again. */
const MAX_KEPT = 32 * 1024 * 1024

/** The result of scanning a source. */
export interface Scanned {
  readonly digest: Digest
  /** Names of other sources that it refers to; absent for a file without references. */
  readonly targets?: readonly string[] | undefined
  /** Its references, where they were kept. */
  readonly references?: readonly Reference[] | undefined
}

/** Options of a `Scanner`. */
export interface ScannerOptions {
  readonly plan: ManifestPlan
  readonly baseUrls: readonly string[]
  /** Files that do not change: those of bundlers. */
  readonly isFinished: (name: string) => boolean
  /** Files that may refer to missing files. */
  readonly isLenient: (name: string) => boolean
  readonly signal: AbortSignal
}

/** Reads sources: their digests, and the references of those that refer to others. */
export class Scanner {
  readonly #sources: ReadonlyMap<string, StaticFile>
  readonly #report: RunReport
  readonly #options: ScannerOptions
  #hasMissing = false
  #keptBytes = 0
  /** Names in lower case, for hints; made at the first reference to a missing file. */
  #byLowerCase: Map<string, string> | undefined

  constructor(sources: ReadonlyMap<string, StaticFile>, report: RunReport, options: ScannerOptions) {
    this.#sources = sources
    this.#report = report
    this.#options = options
  }

  /** Whether a reference to a missing file is a failure. */
  get hasMissing(): boolean {
    return this.#hasMissing
  }

  /** Returns the digest and the references of a source. References to missing files are reported: as failures in a strict run. */
  async scan(file: StaticFile): Promise<Scanned> {
    const { signal } = this.#options
    const finder = this.#finderOf(file.name)
    const { digest, bytes } = await readDigest(file, signal)
    if (finder === undefined) return { digest }
    const text = bytes ?? (await file.readUpTo(MAX_TEXT, { signal }))
    if (text === undefined) {
      this.#report.warning('it is too large to be processed; its references do not change', file.name)
      return { digest }
    }
    const source = new SourceText(text)
    const references = await this.#references(file.name, source, finder)
    const targets = new Set<string>()
    for (const reference of references) {
      const name = this.#resolve(file.name, source.urlOf(reference))?.name
      if (name === undefined) continue
      if (this.#sources.has(name)) targets.add(name)
      else this.#missing(file.name, source.lineOf(reference.start), reference, name)
    }
    return targets.size === 0 ? { digest } : { digest, targets: [...targets], references: this.#kept(references, text) }
  }

  #kept(references: readonly Reference[], { byteLength }: Buffer): readonly Reference[] | undefined {
    // The references may keep the whole text in memory, so its full size counts.
    if (this.#keptBytes + byteLength > MAX_KEPT) return undefined
    this.#keptBytes += byteLength
    return references
  }

  /** Returns the bytes of a scanned source with other names in its references; `nameOf` returns undefined for those that do not change. */
  async rewrite(file: StaticFile, scanned: Scanned, nameOf: (name: string) => string | undefined): Promise<Buffer> {
    const { signal } = this.#options
    const bytes = await file.readUpTo(MAX_TEXT, { signal })
    if (bytes === undefined || digestOf(bytes).md5 !== scanned.digest.md5) throw changed(file)
    const source = new SourceText(bytes)
    const references = scanned.references ?? (await this.#finderOf(file.name)!(source.text))
    return source.rewritten(references, reference => {
      const resolved = this.#resolve(file.name, source.urlOf(reference))
      const stored = resolved === undefined ? undefined : nameOf(resolved.name)
      return stored === undefined ? undefined : resolved!.withLast(stored.slice(stored.lastIndexOf('/') + 1))
    })
  }

  /** Whether the references of a source do not change, and it keeps its name. */
  isFinished(name: string): boolean {
    return this.#options.isFinished(name)
  }

  #finderOf(name: string): ReferenceFinder | undefined {
    const { plan } = this.#options
    return this.isFinished(name) ? undefined : finderOf(name, { javaScript: plan.javaScript, html: plan.html })
  }

  #resolve(from: string, url: string) {
    return resolveReference(from, url, this.#options.baseUrls)
  }

  async #references(name: string, source: SourceText, finder: ReferenceFinder): Promise<readonly Reference[]> {
    try {
      return await finder(source.text)
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      this.#report.warning(`its references do not change: ${error.message}`, name)
      return []
    }
  }

  #missing(from: string, line: number, { kind, url }: Reference, name: string): void {
    const { plan, isLenient } = this.#options
    const other = this.#similar(name)
    const hint = other === undefined ? '' : `; there is '${other}', whose letter case differs`
    const text = `The file '${name}' could not be found (${shown(url)})${hint}`
    if (kind === 'sourceMap' || !plan.strict || isLenient(from)) {
      this.#report.warning(text, from, line)
      return
    }
    this.#hasMissing = true
    this.#report.unreadable(from, new StorageError('not_found', `${from}:${line}: ${text}.`, { fileName: name }), line)
  }

  #similar(name: string): string | undefined {
    if (this.#byLowerCase === undefined) {
      this.#byLowerCase = new Map([...this.#sources.keys()].map(each => [each.toLowerCase(), each]))
    }
    return this.#byLowerCase.get(name.toLowerCase())
  }
}

function shown(url: string): string {
  return url.length > 200 ? `${url.slice(0, 200)}...` : url
}
