/** A Dropbox that answers by a script, without sockets. */
import type { DropboxOptions, DropboxStorage } from '../../../src/backends/dropbox/index.ts'
import type { Input } from '../../../src/core/settings.ts'
import { type Asked, type Scripted, scriptedClient } from '../../support/scripted-client.ts'
import { storageWith } from './support.ts'

/** What Dropbox says of a file of these bytes. */
export const FILE = {
  '.tag': 'file',
  id: 'id:abc',
  name: 'a',
  path_lower: '/a',
  path_display: '/a',
  rev: '0123456789abc',
  size: 4,
  server_modified: '2026-01-02T03:04:05Z',
  client_modified: '2020-01-01T00:00:00Z',
  // Of the text 'text'.
  content_hash: 'aa10070a4e571b204bbdf6de20978f0f0c7710516dfd9b2721975b6ffcc693dc',
}

/** A refusal of a function, by the tags of its error. */
export function refusal(...tags: readonly string[]): Scripted {
  const error = tags.reduceRight<object>((inner, tag) => ({ '.tag': tag, [tag]: inner }), {})
  const body = JSON.stringify({ error_summary: `${tags.join('/')}/...`, error })
  return { status: 409, headers: { 'content-type': 'application/json' }, body }
}

/** The function that a request calls: `files/upload`. */
export function called({ url }: Asked): string {
  return url.slice(url.indexOf('/2/') + 3)
}

/** The argument of a request. */
export function argOf({ headers, body }: Asked): Record<string, unknown> {
  return JSON.parse(headers['dropbox-api-arg'] ?? body.toString()) as Record<string, unknown>
}

/** A storage with a token whose service answers by a script. */
export function scripted(
  answer: (asked: Asked, count: number) => Scripted,
  options: Input<DropboxOptions> = {},
): DropboxStorage & { readonly asked: Asked[] } {
  const httpClient = scriptedClient(answer)
  const files = storageWith({ oauth2AccessToken: 'a-token', maxAttempts: 1, ...options }, { httpClient })
  return Object.assign(files, { asked: httpClient.asked })
}
