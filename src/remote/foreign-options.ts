import { ImproperlyConfigured, messageOf } from '../core/errors.ts'

/** Options of another library's client (botocore's `Config`, Python's `BlobServiceClient`) that stand for options of ours. */
export type ForeignOptions = Readonly<Record<string, unknown>>

/** The option of ours that an option of another client stands for, and its value there; undefined where it has no effect here. */
export type Meaning = (value: unknown) => readonly [option: string, value: unknown] | undefined

/** A name as Python writes it. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
}

/** A value as our option of that name reads it; a bad one is `improperly_configured` and names `key`. */
export function parsedAs(declared: object, option: string, value: unknown, key: string): unknown {
  const setting = (declared as Readonly<Record<string, { parse(raw: unknown): unknown }>>)[option]!
  try {
    return setting.parse(value)
  } catch (error) {
    throw new ImproperlyConfigured(`${key}: ${messageOf(error)}.`)
  }
}

/** The files of a certificate for TLS and of its key: a path or a pair of paths; anything else is `improperly_configured` and names `key`. */
export function certFiles(found: unknown, key: string): string | readonly [string, string] | undefined {
  if (found === undefined || found === null) return undefined
  if (typeof found === 'string' && found !== '') return found
  if (Array.isArray(found) && found.length === 2 && found.every(path => typeof path === 'string')) {
    return found as unknown as readonly [string, string]
  }
  throw new ImproperlyConfigured(`${key}: expected the path of a PEM file, or two of them.`)
}
