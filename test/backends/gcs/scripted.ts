/** A service that answers by a script, without sockets. */
import type { GcsOptions, GcsStorage } from '../../../src/backends/gcs/index.ts'
import type { Input } from '../../../src/core/settings.ts'
import { type Asked, type Scripted, scriptedClient } from '../../support/scripted-client.ts'
import { storageWith } from './support.ts'

/** A storage without credentials whose service answers by a script. */
export function scripted(
  answer: (asked: Asked, count: number) => Scripted,
  options: Input<GcsOptions> = {},
  env: Readonly<Record<string, string>> = {},
): GcsStorage & { readonly asked: Asked[] } {
  const httpClient = scriptedClient(answer)
  const files = storageWith({ credentials: 'anonymous', maxAttempts: 1, ...options }, { httpClient, env })
  return Object.assign(files, { asked: httpClient.asked })
}
