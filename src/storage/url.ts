import { StorageError } from '../core/errors.ts'
import type { AnyBase } from './base.ts'
import { nameIn } from './entry-keys.ts'
import type { NameOrEntry, UrlOptions } from './types.ts'

/** Returns the error for a URL that should expire but would be permanent. */
export function unsignedUrl(fileName: string, remedy: string): StorageError {
  const text = `expiresInSecs: only a signed URL ends, and this one would not be signed: ${remedy}.`
  return new StorageError('unsupported', text, { fileName, operation: 'url' })
}

/** Returns a URL of a file, signed where the backend signs; see `Storage#url`. It sends no request, so it passes no layer. */
export async function urlOf(storage: AnyBase, given: NameOrEntry, options: UrlOptions): Promise<string> {
  const { calls } = storage
  const { driver } = calls
  const name = nameIn(given)
  const { signal, expiresInSecs = 0, method = 'GET', ...rest } = options
  calls.begin('signUrl', name, options, method === 'PUT' || method === 'DELETE')
  if (driver.signUrl === undefined) {
    const { key } = storage.normalRef(given)
    if (driver.publicUrl !== undefined && method === 'GET') return driver.publicUrl(key)
    throw new StorageError('unsupported', 'This file is not accessible via a URL.', {
      fileName: name,
      operation: 'url',
    })
  }
  const ref = method === 'DELETE' ? storage.fileRef(given) : storage.newRef(given)
  if (!(expiresInSecs > 0)) {
    throw new StorageError('invalid_argument', `expiresInSecs: expected seconds above 0, got ${expiresInSecs}.`)
  }
  return calls.local('signUrl', ref, { signal }, ctx => {
    const { objectParameters } = ref
    return driver.signUrl!(ref.key, { ...rest, method, expiresInSecs, objectParameters }, ctx)
  })
}
