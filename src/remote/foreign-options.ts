import { ImproperlyConfigured, messageOf } from '../core/errors.ts'

/** Options of another library's client (botocore's `Config`, Python's `BlobServiceClient`) that map to options of this library. */
export type ForeignOptions = Readonly<Record<string, unknown>>

/** The option that another client's option maps to, and its value; undefined if it has no effect here. */
export type Meaning = (value: unknown) => readonly [option: string, value: unknown] | undefined

/** A name in Python's snake_case. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
}

/** Parses a value like the option of that name. A bad value is `improperly_configured`, and the error names `key`. */
export function parsedAs(declared: object, option: string, value: unknown, key: string): unknown {
  const setting = (declared as Readonly<Record<string, { parse(raw: unknown): unknown }>>)[option]!
  try {
    return setting.parse(value)
  } catch (error) {
    throw new ImproperlyConfigured(`${key}: ${messageOf(error)}.`)
  }
}

/**
 * The files of a TLS certificate and its key: a path or a pair of paths. Anything else is `improperly_configured`, and the error names
 * `key`.
 */
export function certFiles(found: unknown, key: string): string | readonly [string, string] | undefined {
  if (found === undefined || found === null) return undefined
  if (typeof found === 'string' && found !== '') return found
  if (Array.isArray(found) && found.length === 2 && found.every(path => typeof path === 'string')) {
    return found as unknown as readonly [string, string]
  }
  throw new ImproperlyConfigured(`${key}: expected the path of a PEM file, or two of them.`)
}
