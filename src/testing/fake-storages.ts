import type { MemoryOptions } from '../backends/memory/index.ts'
import { type HoldallSettings, layeredSettings, storageConfigs } from '../config/configure.ts'
import { storages } from '../config/storages.ts'
import { nodeCrypto } from '../core/builtin.ts'
import { ImproperlyConfigured, isStorageError } from '../core/errors.ts'
import { checkKnownOptions, type KnownOptions } from '../core/known-options.ts'
import type { Input } from '../core/settings.ts'
import { activateSettings, activeSettings } from '../core/settings.ts'
import { createFileHandler, type FileHandler } from '../serve/index.ts'
import { FakeStorage } from './fake-storage.ts'

/** Which storages are replaced. */
export interface FakeStoragesOptions {
  /** The aliases; default: all aliases of the settings. An alias that is not in the settings is added. */
  readonly aliases?: readonly string[] | undefined
}

const OPTIONS: KnownOptions<FakeStoragesOptions> = { aliases: true }
/** Base of the URLs of storages without a base URL; no request is ever sent to it. */
const ORIGIN = 'http://storage.test'

/** The storages of a test, each in memory. */
export class FakeStorages implements Disposable {
  readonly #fakes: ReadonlyMap<string, FakeStorage>
  readonly #handlers: ReadonlyArray<{ readonly path: string; readonly handle: FileHandler }>
  #before: HoldallSettings | undefined

  constructor(fakes: ReadonlyMap<string, FakeStorage>, before: HoldallSettings) {
    this.#fakes = fakes
    this.#before = before
    this.#handlers = [...fakes.values()]
      .map(fake => {
        const path = new URL(fake.baseUrl, ORIGIN).pathname
        return { path, handle: createFileHandler(fake, { basePath: path }) }
      })
      .sort((a, b) => b.path.length - a.path.length)
  }

  /** Returns the storage of an alias; an alias that was not replaced is `improperly_configured`. */
  get(alias = 'default'): FakeStorage {
    const fake = this.#fakes.get(alias)
    if (fake !== undefined) return fake
    throw new ImproperlyConfigured(`'${alias}' is not one of the fake storages: ${[...this.#fakes.keys()].join(', ')}.`)
  }

  /** The aliases that were replaced. */
  get aliases(): readonly string[] {
    return [...this.#fakes.keys()]
  }

  /** Answers requests for the URLs of all fake storages like a server: signed downloads and uploads. */
  readonly handler: FileHandler = async request => {
    const { pathname } = new URL(request.url)
    const found = this.#handlers.find(({ path }) => pathname.startsWith(path))
    return found === undefined ? new Response(null, { status: 404 }) : found.handle(request)
  }

  /** `fetch` for the URLs of the fake storages; sends nothing over the network. */
  fetch(url: string | URL, init?: RequestInit): Promise<Response> {
    return this.handler(new Request(new URL(url, ORIGIN), init))
  }

  /** Restores the former settings and their storages. */
  restore(): void {
    if (this.#before === undefined) return
    activateSettings(this.#before)
    this.#before = undefined
  }

  [Symbol.dispose](): void {
    this.restore()
  }
}

/**
 * Replaces storages of the active settings by storages in memory until `restore()`, for tests of an application: no file that it saves
 * leaves the process. A fake keeps only `fileOverwrite`, `nameStrategy` and `baseUrl` of the storage that it replaces. Storage objects that
 * the application has kept in variables are not replaced: `defaultStorage` and `storages.x` are.
 * @example
 * const fakes = fakeStorages()
 * await uploadAvatar(user, file)
 * await fakes.get('media').assertExists(`avatars/${user.id}.png`)
 * await fakes.get('media').assertCount('avatars', 1)
 * const response = await fakes.fetch(await storages.media.url('avatars/1.png'))
 * fakes.restore()
 */
export function fakeStorages(options: FakeStoragesOptions = {}): FakeStorages {
  checkKnownOptions('fakeStorages', options, OPTIONS)
  const before = activeSettings()
  const configs = storageConfigs(before)
  const { aliases = Object.keys(configs) } = options
  const secret = nodeCrypto().randomBytes(32).toString('base64url')
  const fakes = new Map(aliases.map(alias => [alias, fakeOf(alias, Object.hasOwn(configs, alias), secret)]))
  const swapped = Object.fromEntries([...fakes].map(([alias, BACKEND]) => [alias, { BACKEND }]))
  activateSettings(layeredSettings(before, { STORAGES: { ...configs, ...swapped } }))
  return new FakeStorages(fakes, before)
}

function fakeOf(alias: string, isConfigured: boolean, secret: string): FakeStorage {
  const real = isConfigured ? optionsOf(alias) : {}
  const { baseUrl, fileOverwrite, nameStrategy } = real
  return new FakeStorage(baseUrl || `${ORIGIN}/${encodeURIComponent(alias)}/`, secret, { fileOverwrite, nameStrategy })
}

/** Returns the options of the replaced storage; none where it cannot be constructed here without credentials. */
function optionsOf(alias: string): Input<MemoryOptions> {
  try {
    return storages.create(alias).options
  } catch (error) {
    if (isStorageError(error, 'improperly_configured')) return {}
    throw error
  }
}
