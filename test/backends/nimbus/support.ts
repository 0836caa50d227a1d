import { type NimbusOptions, NimbusStorage } from '../../../src/backends/nimbus/index.ts'
import type { Input } from '../../../src/core/settings.ts'
import type { Services } from '../../../src/storage/types.ts'
import { type Asked, type Scripted, scriptedClient } from '../../support/scripted-client.ts'

/** Who signs in these tests. */
export const ACCOUNT = { user: 'alice', keyId: 5001, key: 'DwWKayqqnWnmLouZQKfncsNj72x7TThMA3uO9Y/IBJg' } as const
export const COLLECTION = 'alice-files'

/** A storage that reads no settings and no environment but those that are given. */
export function storageWith(options: Input<NimbusOptions>, services: Services = {}): NimbusStorage {
  return new NimbusStorage(options, { settings: {}, env: {}, ...services })
}

/** A storage whose service answers by a script, without sockets. */
export function scripted(
  answer: (asked: Asked, count: number) => Scripted,
  options: Input<NimbusOptions> = {},
): NimbusStorage & { readonly asked: Asked[] } {
  const httpClient = scriptedClient(answer)
  const files = storageWith({ ...ACCOUNT, collection: COLLECTION, maxAttempts: 1, ...options }, { httpClient })
  return Object.assign(files, { asked: httpClient.asked })
}

/** When the file of `head` was written. */
export const MODIFIED = 'Fri, 02 Jan 2026 03:04:05 GMT'

/** What HEAD or GET says of a file. */
export function fileHeaders(size: number, more: Readonly<Record<string, string>> = {}): Record<string, string> {
  const type = { 'content-type': 'application/octet-stream' }
  return { ...type, 'content-length': String(size), 'last-modified': MODIFIED, ...more }
}

/** Whether a request asks for the metadata of a file. */
export function asksMeta({ url }: Asked): boolean {
  return url.endsWith('?action=meta')
}
