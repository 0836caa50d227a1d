import { asciiDisposition } from '../core/disposition.ts'
import type { ObjectParameters } from '../core/driver.ts'
import { StorageError } from '../core/errors.ts'
import { isHeaderText } from '../core/header-text.ts'
import { encodeComponent } from './sign/encode.ts'

/**
 * How a value becomes a header: text unchanged, a disposition in ASCII, a date by RFC 9110 or ISO 8601, a map as a query (`a=1&b=2`) or as
 * base64 of its JSON.
 */
export type ParameterKind = 'text' | 'disposition' | 'http-date' | 'iso-date' | 'query' | 'json'

/** Adds the headers of a value that has none of the common kinds. */
export type ParameterWriter = (headers: Record<string, string>, value: unknown) => void

/** A parameter of a service: its own spelling, its header, and the kind of its value. */
export type ParameterRow = readonly [name: string, header: string, kind?: ParameterKind | ParameterWriter]

/** The upload parameters of a service besides the portable attributes, by the names that its own clients use. */
export class ParameterTable {
  readonly #rows: ReadonlyMap<string, ParameterRow>
  readonly #service: string

  /** `service` appears in errors: `'X' is not a parameter of an S3 upload`. */
  constructor(service: string, rows: readonly ParameterRow[]) {
    this.#service = service
    this.#rows = new Map(rows.map(row => [plainName(row[0]), row]))
  }

  /** The parameter's own spelling, found in any case and in snake_case. Code `invalid_argument`, with the name, for an unknown one. */
  nameOf(name: string): string {
    return this.#find(name)[0]
  }

  /** The parameter that a header, in lower case, stands for. */
  ofHeader(header: string): string | undefined {
    if (header === '') return undefined
    for (const [name, own] of this.#rows.values()) if (own === header) return name
    return undefined
  }

  /** Adds the headers of parameters, or only of those in `only`. null and undefined are left out. */
  add(headers: Record<string, string>, parameters: ObjectParameters, only?: ReadonlySet<string>): void {
    for (const key in parameters) {
      const value = parameters[key]
      if (value === undefined || value === null) continue
      const [name, header, kind] = this.#find(key)
      if (only !== undefined && !only.has(name)) continue
      if (typeof kind === 'function') kind(headers, value)
      else headers[header] = headerValue(name, value, kind)
    }
  }

  #find(name: string): ParameterRow {
    const row = this.#rows.get(plainName(name))
    if (row !== undefined) return row
    throw new StorageError('invalid_argument', `'${name}' is not a parameter of ${this.#service} upload.`)
  }
}

/** A name in lower case, without the underscores of snake_case. */
function plainName(name: string): string {
  return name.toLowerCase().replaceAll('_', '')
}

/** A parameter by name, in any case. */
export function parameterOf(parameters: ObjectParameters, name: string): unknown {
  if (parameters[name] !== undefined) return parameters[name]
  const wanted = name.toLowerCase()
  for (const key in parameters) if (key.toLowerCase() === wanted) return parameters[key]
  return undefined
}

/** Checks text for a header: printable ASCII, otherwise `invalid_argument`. */
export function headerText(name: string, value: string): string {
  if (isHeaderText(value)) return value
  throw new StorageError('invalid_argument', `${name} may have printable ASCII only.`)
}

/** A disposition for a header, or for a URL parameter that sets one: in ASCII, other characters encoded. (RFC 8187) */
export function dispositionText(name: string, value: string): string {
  return headerText(name, asciiDisposition(value))
}

/** A value that must be a map; else `invalid_argument`. */
export function recordOf(name: string, value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new StorageError('invalid_argument', `${name} must be an object.`)
}

function headerValue(name: string, value: unknown, kind: ParameterKind = 'text'): string {
  switch (kind) {
    case 'disposition':
      return dispositionText(name, String(value))
    case 'http-date':
      return dateText(name, value, date => date.toUTCString())
    case 'iso-date':
      return dateText(name, value, date => date.toISOString())
    case 'query':
      return typeof value === 'string' ? headerText(name, value) : queryText(recordOf(name, value))
    case 'json':
      if (typeof value === 'string') return headerText(name, value)
      return Buffer.from(JSON.stringify(recordOf(name, value))).toString('base64')
    default:
      return headerText(name, String(value))
  }
}

function queryText(values: Record<string, unknown>): string {
  const pairs = Object.entries(values).map(
    ([name, value]) => `${encodeComponent(name)}=${encodeComponent(String(value))}`,
  )
  return pairs.join('&')
}

function dateText(name: string, value: unknown, write: (date: Date) => string): string {
  const date = value instanceof Date || typeof value === 'number' ? new Date(value) : undefined
  if (date === undefined) return headerText(name, String(value))
  if (Number.isNaN(date.getTime())) throw new StorageError('invalid_argument', `${name} is not a valid date.`)
  return write(date)
}
