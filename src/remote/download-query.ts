import type { SignUrlOptions } from '../core/driver.ts'
import { dispositionText, headerText } from './parameters.ts'

/** The options of a download URL besides its method and lifetime. */
export type DownloadOptions = Omit<SignUrlOptions, 'method' | 'expiresInSecs'>

/** The names of the query's parameters that set headers of the answer. */
export type OverrideNames = Readonly<
  Record<'cacheControl' | 'contentDisposition' | 'contentEncoding' | 'contentLanguage' | 'contentType', string>
>

/**
 * The query of a download: overrides of the answer's headers, then the caller's `parameters` with the names that `nameOf` returns. Code
 * `invalid_argument` for a value that is not a valid header. Services would refuse such URLs only when a client opens them.
 */
export function downloadQuery(
  options: DownloadOptions,
  names: OverrideNames,
  nameOf: (parameter: string) => string,
): Array<[string, string]> {
  const query: Array<[string, string]> = []
  const overrides = new Set(Object.values(names))
  const add = (name: string, value: string): void => {
    if (name === names.contentDisposition) query.push([name, dispositionText(name, value)])
    else query.push([name, overrides.has(name) || name.startsWith('response-') ? headerText(name, value) : value])
  }
  for (const attribute of [
    'cacheControl',
    'contentDisposition',
    'contentEncoding',
    'contentLanguage',
    'contentType',
  ] as const) {
    const value = options[attribute]
    if (value !== undefined) add(names[attribute], value)
  }
  for (const [parameter, value] of Object.entries(options.parameters ?? {})) add(nameOf(parameter), String(value))
  return query
}
