import type { CallOptions } from '../../core/call.ts'
import { checkKnownOptions } from '../../core/known-options.ts'
import type { Finder, FinderOptions, StaticFile } from '../types.ts'
import { installedFolder, type PackageFolder, packageFolder } from './package-folder.ts'
import { checkedEntry, checkedList, checkFinderOptions, filesOf, findIn, type Place } from './places.ts'

const SETTING = 'STATICFILES_PACKAGES'

/** A package and a folder in it, or a pair of a prefix for the names of its files, and these. */
export type PackageEntry = string | readonly [prefix: string, spec: string]

/** Options of `PackageFinder`. */
export interface PackageFinderOptions {
  /** Packages are searched in the `node_modules` of this folder and of the folders above. Default: the current folder of the process. */
  readonly base?: string | undefined
}

/**
 * Files that npm packages contain: `STATICFILES_PACKAGES`. `bootstrap/dist` is a folder of a package, `bootstrap` its folder `static`,
 * `bootstrap/.` the whole package without its `node_modules`. Packages are searched at the first call, so that a server that only makes
 * URLs does not need them. A package that is not installed, or has no such folder, is `improperly_configured` then. Yarn Plug'n'Play is not
 * supported. (Django `AppDirectoriesFinder`)
 * @example
 * new PackageFinder(['@acme/forms', 'bootstrap/dist', ['vendor/icons', 'bootstrap-icons/font']])
 */
export class PackageFinder implements Finder {
  readonly #entries: ReadonlyArray<PackageFolder & { readonly prefix: string }>
  readonly #base: string
  #found: readonly Place[] | undefined

  constructor(entries: readonly PackageEntry[], options: PackageFinderOptions = {}) {
    checkKnownOptions('PackageFinder', options, { base: true })
    const { base = '' } = options
    this.#base = base
    this.#entries = checkedList(entries, SETTING).map(entry => {
      const [prefix, spec] = checkedEntry(entry, SETTING, 'a package')
      return { prefix, ...packageFolder(spec, SETTING) }
    })
  }

  get locations(): readonly string[] {
    return [...new Set(this.#places.map(({ folder }) => folder))]
  }

  async *files(options: FinderOptions): AsyncGenerator<StaticFile, void, undefined> {
    checkFinderOptions(options)
    const isIgnored = (path: string) => path === 'node_modules' || options.isIgnored(path)
    for (const place of this.#places) yield* filesOf(place, { ...options, isIgnored })
  }

  async find(name: string, options: CallOptions = {}): Promise<readonly StaticFile[]> {
    return findIn(this.#places, name, options)
  }

  get #places(): readonly Place[] {
    this.#found ??= this.#entries.map(entry => {
      return { prefix: entry.prefix, folder: installedFolder(entry, this.#base, SETTING) }
    })
    return this.#found
  }
}
