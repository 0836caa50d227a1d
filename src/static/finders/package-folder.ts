import { existsSync, readdirSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { ImproperlyConfigured } from '../../core/errors.ts'
import { nameProblem } from '../static-name.ts'

/** Maximum number of folder names in a message. */
const MAX_SHOWN = 20
/** The files of Yarn where it keeps packages in archives. */
const PNP_FILES = ['.pnp.cjs', '.pnp.js']

/** A folder of an npm package. */
export interface PackageFolder {
  /** The name with its scope. */
  readonly packageName: string
  /** Path in the package with forward slashes; '' for the whole package. */
  readonly folder: string
}

/**
 * Parses an entry of a list of packages: `bootstrap/dist` for a folder of a package, `bootstrap` for its folder `static`, and `bootstrap/.`
 * for all of it. An invalid package name, and a path that may leave the package, is `improperly_configured`; `setting` is the name of the
 * list.
 */
export function packageFolder(spec: string, setting: string): PackageFolder {
  const parts = spec.split('/')
  const name = parts.splice(0, spec.startsWith('@') ? 2 : 1)
  const packageName = name.join('/')
  if (parts.at(-1) === '') parts.pop()
  const wrong = (text: string) => new ImproperlyConfigured(`${setting}: '${spec}': ${text}.`)
  if ((spec.startsWith('@') && (name.length < 2 || name[0] === '@')) || name.some(isNoPackageName)) {
    throw wrong("expected the name of an npm package, and a folder in it: 'bootstrap/dist'")
  }
  if (parts.length === 0) return { packageName, folder: 'static' }
  if (parts.length === 1 && parts[0] === '.') return { packageName, folder: '' }
  const problem = parts.map(nameProblem).find(each => each !== undefined)
  if (problem !== undefined) throw wrong(`expected a folder within the package, but ${problem}`)
  return { packageName, folder: parts.join('/') }
}

function isNoPackageName(part: string): boolean {
  return nameProblem(part) !== undefined || part.startsWith('.') || part === 'node_modules'
}

/**
 * Returns the path of a package's folder, as programs in `base` would find the package: in the `node_modules` of `base` or of a folder
 * above it, through links of pnpm and of workspaces, independent of its `exports`. A package that is not installed, or has no such folder,
 * is `improperly_configured`.
 */
export function installedFolder({ packageName, folder }: PackageFolder, base: string, setting: string): string {
  const root = packageRoot(packageName, base)
  if (root === undefined) throw new ImproperlyConfigured(notInstalled(packageName, base, setting))
  const path = join(root, folder)
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats?.isDirectory() === true) return path
  const what = stats === undefined ? `the package '${packageName}' has no folder '${folder}'` : `'${path}' is no folder`
  const hint = folder === 'static' ? ` A package without a path stands for its folder 'static'.` : ''
  throw new ImproperlyConfigured(`${setting}: ${what}.${hint} ${contentOf(dirname(path), root)}`)
}

function packageRoot(packageName: string, base: string): string | undefined {
  for (let folder = resolve(base); ; folder = dirname(folder)) {
    const root = join(folder, 'node_modules', packageName)
    const isSearched = basename(folder) !== 'node_modules'
    if (isSearched && statSync(root, { throwIfNoEntry: false })?.isDirectory() === true) return root
    if (dirname(folder) === folder) return undefined
  }
}

function notInstalled(packageName: string, base: string, setting: string): string {
  const text = `${setting}: the package '${packageName}' is not installed in a node_modules of '${resolve(base)}' or above.`
  if (!hasPlugAndPlay(base)) return `${text} Install it: npm i ${packageName}`
  return `${text} Yarn Plug'n'Play keeps packages in archives, which are not supported: set nodeLinker: node-modules in .yarnrc.yml.`
}

function hasPlugAndPlay(base: string): boolean {
  for (let folder = resolve(base); ; folder = dirname(folder)) {
    if (PNP_FILES.some(name => existsSync(join(folder, name)))) return true
    if (dirname(folder) === folder) return false
  }
}

/** Describes what exists instead of a folder: the folders beside it, or else those of the package. */
function contentOf(above: string, root: string): string {
  const from = statSync(above, { throwIfNoEntry: false })?.isDirectory() === true ? above : root
  const names = readdirSync(from, { withFileTypes: true })
    .filter(entry => entry.isDirectory() && entry.name !== 'node_modules' && !entry.name.startsWith('.'))
    .map(({ name }) => name)
    .sort()
  if (names.length === 0) return `There are no folders in '${from}'.`
  const shown = names.slice(0, MAX_SHOWN).join(', ')
  return `The folders in '${from}' are: ${shown}${names.length > MAX_SHOWN ? ' ...' : '.'}`
}
