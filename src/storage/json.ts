import { StorageError } from '../core/errors.ts'
import { kindOf } from '../core/kind.ts'
import { checkKnownOptions } from '../core/known-options.ts'
import type { AnyBase } from './base.ts'
import { SAVE_OPTIONS } from './save.ts'
import type { SaveOptions } from './types.ts'

/** Stores a value as JSON; see `Storage#saveJson`. */
export async function saveJson(storage: AnyBase, name: string, value: unknown, options: SaveOptions): Promise<string> {
  checkKnownOptions('saveJson', options, SAVE_OPTIONS)
  const { contentType = 'application/json' } = options
  return await storage.save(name, jsonOf(name, value), { ...options, contentType })
}

function jsonOf(name: string, value: unknown): string {
  let cause: unknown
  try {
    const text: string | undefined = JSON.stringify(value)
    if (text !== undefined) return text
  } catch (error) {
    cause = error
  }
  const why = cause === undefined ? `got ${kindOf(value)}` : 'JSON cannot hold it: see the cause'
  throw new StorageError('invalid_argument', `saveJson '${name}': expected a value that JSON can hold, ${why}.`, {
    operation: 'saveJson',
    fileName: name,
    cause,
  })
}
