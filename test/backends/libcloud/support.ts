import { LibCloudStorage } from '../../../src/backends/libcloud/index.ts'
import type { Services } from '../../../src/storage/types.ts'

/** As configurations write a type. */
export const MODULE = 'libcloud.storage.types.Provider'

/** An entry with all that every type needs. */
export function entryOf(type: string, more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return { type: `${MODULE}.${type}`, user: 'AKIDTEST', key: 'c2VjcmV0', bucket: 'media', ...more }
}

/** A storage of the only entry, without settings and environment but those that are given. */
export function storageOf(
  entry: unknown,
  services: Services = {},
  options: Readonly<Record<string, unknown>> = {},
): LibCloudStorage {
  return storagesOf({ only: entry }, services)('only', options)
}

/** Storages by their names. */
export function storagesOf(
  providers: Readonly<Record<string, unknown>>,
  services: Services = {},
): (name?: string, options?: Readonly<Record<string, unknown>>) => LibCloudStorage {
  const settings = { LIBCLOUD_PROVIDERS: providers, ...services.settings }
  return (providerName, options) =>
    new LibCloudStorage({ providerName: providerName ?? null, ...options }, { env: {}, ...services, settings })
}

/** The entry of a server at a URL. */
export function hostOf(url: string): { readonly host: string; readonly port: number; readonly secure: boolean } {
  const { hostname, port, protocol } = new URL(url)
  return { host: hostname, port: Number(port), secure: protocol === 'https:' }
}
