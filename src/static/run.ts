import { bytesContent, type Content } from '../core/content.ts'
import { StorageError } from '../core/errors.ts'
import { forEachParallel } from '../core/parallel.ts'
import { changed, type Digest, digestOf, IN_MEMORY, readDigest, sourceContent } from './digest.ts'
import { finish } from './finish.ts'
import { type HashedFile, hashedFiles } from './hashing.ts'
import { type FileHeaders, IMMUTABLE } from './headers.ts'
import type { Linker } from './links.ts'
import { RECORD_NAME } from './record.ts'
import { clearTarget } from './removal.ts'
import type { RunReport } from './report.ts'
import type { Collected, RunPlan } from './run-plan.ts'
import type { Scanned, Scanner } from './scan.ts'
import { Siblings } from './siblings.ts'
import { Store } from './store.ts'
import type { Target } from './target.ts'
import type { StaticFile } from './types.ts'

/** One source and its result in the target. */
interface Unit {
  readonly file: StaticFile
  /** Undefined where it is not needed. */
  readonly digest: Digest | undefined
  /** The bytes, where they are in memory. */
  readonly bytes?: Buffer | undefined
  readonly hashed?: HashedFile | undefined
}

/** One pass over the target with all sources. */
export class Run {
  readonly #plan: RunPlan
  readonly #report: RunReport
  readonly #target: Target
  readonly #sources: ReadonlyMap<string, StaticFile>
  readonly #store: Store
  readonly #siblings: Siblings
  readonly #linker: Linker | undefined
  readonly #paths = new Map<string, string>()
  readonly #manifestName: string | undefined

  constructor(plan: RunPlan, report: RunReport, target: Target, { sources, manifestName, linker }: Collected) {
    const { options, signal, rules, compress } = plan
    this.#manifestName = manifestName
    this.#plan = plan
    this.#report = report
    this.#target = target
    this.#sources = sources
    const { dryRun = false, clear = false } = options
    this.#store = new Store(target, { dryRun, clear, signal })
    this.#siblings = new Siblings(target, this.#store, { plan: compress, rules, isSource: name => sources.has(name) })
    this.#linker = linker
  }

  /** Stores files that are missing. Returns false where another run has changed the target meanwhile. */
  async collect(digests: ReadonlyMap<string, Scanned>, scanner: Scanner | undefined): Promise<boolean> {
    const { options, manifest, signal, bundled, built } = this.#plan
    const { concurrency = 16, clear = false, deleteStale = false, keep = deleteStale ? 1 : undefined } = options
    if (clear) await this.#clear()
    const units = scanner === undefined ? this.#plainUnits(digests) : this.#hashedUnits(digests, scanner)
    await forEachParallel(units, { limit: concurrency, signal }, unit => this.#attempt(unit))
    for (const [name, file] of bundled) {
      if (built.has(file) && this.#sources.has(file)) this.#paths.set(name, this.#paths.get(file) ?? file)
    }
    const paths = scanner === undefined ? undefined : this.#paths
    const wanted = new Set([...this.#sources.keys()].filter(name => this.#isKept(name)))
    const manifestName = this.#manifestName
    const ends = { plan: manifest, manifestName, paths, wanted, clear, deleteStale, keep, signal }
    return finish(this.#target, this.#store, this.#report, ends)
  }

  /** Removes the files in the target; those in the former manifest stay until the new one is written. */
  async #clear(): Promise<void> {
    const left = new Set(this.#target.manifest.paths.values()).add(RECORD_NAME)
    if (this.#manifestName !== undefined) left.add(this.#manifestName)
    await clearTarget(this.#target, left, this.#report, this.#plan.signal)
  }

  async *#plainUnits(digests: ReadonlyMap<string, Scanned>): AsyncGenerator<Unit> {
    for (const file of this.#sources.values()) {
      const known = digests.get(file.name)?.digest
      if (known !== undefined) yield { file, digest: known }
      else if (this.#linker !== undefined || (this.#plan.compress === undefined && (await this.#isUpToDate(file))))
        yield { file, digest: undefined }
      else yield* this.#read(file)
    }
  }

  async *#read(file: StaticFile): AsyncGenerator<Unit> {
    try {
      yield { file, ...(await readDigest(file, this.#plan.signal)) }
    } catch (error) {
      this.#plan.signal.throwIfAborted()
      this.#report.unreadable(file.name, error)
    }
  }

  async *#hashedUnits(scanned: ReadonlyMap<string, Scanned>, scanner: Scanner): AsyncGenerator<Unit> {
    const onFailed = (name: string, error: unknown): void => {
      this.#plan.signal.throwIfAborted()
      this.#report.unreadable(name, error)
    }
    for await (const hashed of hashedFiles({ sources: this.#sources, scanned, scanner, onFailed })) {
      this.#paths.set(hashed.name, hashed.storedAs)
      yield { file: this.#sources.get(hashed.name)!, digest: scanned.get(hashed.name)!.digest, hashed }
    }
  }

  async #attempt(unit: Unit): Promise<void> {
    const { name } = unit.file
    try {
      if (this.#isKept(name)) await this.#original(unit)
      if (unit.hashed !== undefined && unit.hashed.storedAs !== name) await this.#hashed(unit, unit.hashed)
    } catch (error) {
      this.#plan.signal.throwIfAborted()
      this.#report.failed(name, error)
    } finally {
      for (const each of [unit, unit.hashed]) if (each?.digest !== undefined) this.#siblings.forget(each.digest)
    }
  }

  /** Whether a source is stored under its plain name. */
  #isKept(name: string): boolean {
    const { manifest, built } = this.#plan
    return manifest === undefined || manifest.keepOriginals || built.has(name)
  }

  /** Stores a file under its plain name. */
  async #original(unit: Unit): Promise<void> {
    const { file, digest } = unit
    const { name, origin } = file
    const { dryRun } = this.#report
    const isImmutable = this.#plan.built.get(name) === true
    const headers = this.#plan.rules.of(name, isImmutable ? { cacheControl: IMMUTABLE } : {})
    if (this.#linker !== undefined) return this.#link(file, this.#linker)
    const content = once(() => this.#content(unit))
    const isThere = digest === undefined || (await this.#holds(unit, digest, headers, content))
    if (isThere) this.#report.event({ type: 'unmodified', name, origin })
    else {
      if (!dryRun) await this.#siblings.removeOld(name)
      await this.#store.put(name, await content(), digest, headers)
      this.#report.event({ type: 'copied', name, origin, dryRun })
    }
    // By its time, a file may be up to date although its bytes differ from those of its source.
    if (digest !== undefined && this.#store.record.get(name)?.md5 === digest.md5) {
      await this.#storeSiblings(unit, name, digest, headers, 0)
    } else this.#siblings.keep(name)
  }

  /** Makes a link to a source under its plain name. */
  async #link(file: StaticFile, linker: Linker): Promise<void> {
    const { name, origin } = file
    const { dryRun } = this.#report
    if (!dryRun) await this.#siblings.removeOld(name)
    const isThere = await linker.holds(file)
    if (!isThere && !dryRun) await linker.link(file)
    this.#report.event(isThere ? { type: 'unmodified', name, origin } : { type: 'linked', name, origin, dryRun })
  }

  /** Stores the same file under the name that contains its hash. */
  async #hashed(unit: Unit, { name, storedAs, digest, bytes }: HashedFile): Promise<void> {
    const headers = this.#plan.rules.of(name, { cacheControl: IMMUTABLE })
    const content = async () => (bytes === undefined ? this.#content(unit) : bytesContent(bytes))
    const known = { deploy: 1 }
    const isThere = await this.#store.holds(storedAs, digest, headers, content, known)
    if (!isThere) {
      if (!this.#report.dryRun) await this.#siblings.removeOld(storedAs)
      await this.#store.put(storedAs, await content(), digest, headers, known)
    }
    await this.#storeSiblings({ ...unit, bytes }, storedAs, digest, headers, 1)
    this.#report.event({ type: 'postProcessed', name, storedAs, isNew: !isThere, dryRun: this.#report.dryRun })
  }

  async #storeSiblings(
    unit: Unit,
    storedAs: string,
    digest: Digest,
    headers: FileHeaders,
    deploy: number,
  ): Promise<void> {
    // All codings use these bytes.
    const bytes = once(async () => {
      if (unit.bytes !== undefined) return unit.bytes
      const read = await unit.file.readUpTo(IN_MEMORY, { signal: this.#plan.signal })
      if (read !== undefined && digestOf(read).md5 !== digest.md5) throw changed(unit.file)
      return read
    })
    await this.#siblings.store({ storedAs, digest, headers, deploy, bytes })
  }

  async #holds(unit: Unit, digest: Digest, headers: FileHeaders, content: () => Promise<Content>): Promise<boolean> {
    if (this.#plan.options.compare === 'modifiedTime') return this.#isUpToDate(unit.file)
    return this.#store.holds(unit.file.name, digest, headers, content)
  }

  /** Whether the file in the target is as new as its source, in whole seconds, where times are compared. */
  async #isUpToDate(file: StaticFile): Promise<boolean> {
    const { compare, clear } = this.#plan.options
    const entry = this.#target.listed.get(file.name)
    if (compare !== 'modifiedTime' || clear === true || entry === undefined) return false
    const source = await file.modifiedAt({ signal: this.#plan.signal })
    // An unknown time does not count as later.
    if (source === undefined || !(wholeSeconds(entry.modifiedMs) >= wholeSeconds(source.getTime()))) return false
    this.#store.keep(file.name)
    return true
  }

  async #content({ file, digest, bytes }: Unit): Promise<Content> {
    if (bytes !== undefined) return bytesContent(bytes)
    if (digest === undefined) throw new StorageError('unknown', `The digest of '${file.name}' is not known.`)
    return sourceContent(file, digest, this.#plan.signal)
  }
}

function wholeSeconds(timeMs: number): number {
  return Math.floor(timeMs / 1000)
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => (made ??= make())
}
