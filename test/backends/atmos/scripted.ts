/** An Atmos that answers by a script, without sockets. */
import type { AtmosOptions, AtmosStorage } from '../../../src/backends/atmos/index.ts'
import type { Input } from '../../../src/core/settings.ts'
import { type Asked, type Scripted, scriptedClient } from '../../support/scripted-client.ts'
import { storageWith } from './support.ts'

/** The id of an object. */
export const OBJECT_ID: string = 'ab'.repeat(22)

/** The tags of a file of so many bytes, as headers. */
export function tagsOf(size: number, more = ''): Record<string, string> {
  const system = `mtime=2010-06-21T14:37:37Z, type=regular, objectid=${OBJECT_ID}, size=${size}`
  return { 'x-emc-meta': more === '' ? system : `${system}, ${more}`, 'x-emc-policy': 'default' }
}

/** The answer that refuses a request by a number. */
export function refusal(code: number, status = 400, headers: Record<string, string> = {}): Scripted {
  const body = `<?xml version='1.0' encoding='UTF-8'?><Error><Code>${code}</Code><Message>Message of ${code}.</Message></Error>`
  return { status, headers: { 'content-type': 'text/xml', ...headers }, body }
}

/** A listing with these entries. */
export function listing(entries: string, headers: Record<string, string> = {}): Scripted {
  const body = `<?xml version="1.0"?><cos:ListDirectoryResponse xmlns:cos="http://www.emc.com/cos/"><cos:DirectoryList>${entries}</cos:DirectoryList></cos:ListDirectoryResponse>`
  return { status: 200, headers: { 'content-type': 'text/xml', ...headers }, body }
}

/** A storage whose service answers by a script. */
export function scripted(
  answer: (asked: Asked, count: number) => Scripted,
  options: Input<AtmosOptions> = {},
): AtmosStorage & { readonly asked: Asked[] } {
  const httpClient = scriptedClient(answer)
  const own = { host: 'atmos.example.com', user: 'uid', key: 'c2VjcmV0', container: 'c', maxAttempts: 1 }
  const files = storageWith({ ...own, ...options }, { httpClient })
  return Object.assign(files, { asked: httpClient.asked })
}
