import { messageOf } from './errors.ts'
import type { Setting, SettingRole } from './settings.ts'

/** The declaration of a setting besides its type. */
export interface Declaration<V> {
  readonly default: V
  readonly doc: string
  readonly keys?: readonly string[]
  readonly aliases?: readonly string[]
  readonly secret?: boolean
  readonly shown?: (value: V) => unknown
  readonly noEnvironment?: boolean
  readonly tooCommon?: readonly string[]
  readonly role?: SettingRole
  readonly emptyCounts?: boolean
}

/** Builds a setting of any type from its parser. */
export function setting<V>(type: string, parse: (raw: unknown) => V, declaration: Declaration<V>): Setting<V> {
  const { keys = [], aliases = [], secret = false, noEnvironment = false, doc, shown } = declaration
  const made = { keys, aliases, doc, type, secret, noEnvironment, default: declaration.default, parse }
  const { role, emptyCounts, tooCommon } = declaration
  const rare = { ...(role && { role }), ...(emptyCounts && { emptyCounts }), ...(tooCommon && { tooCommon }) }
  return { ...made, ...(shown && { shown }), ...rare }
}

const TRUE: ReadonlySet<string> = new Set(['true', '1', 'yes', 'on'])
const FALSE: ReadonlySet<string> = new Set(['false', '0', 'no', 'off'])

function isNone(raw: unknown): boolean {
  return raw === null || raw === 'null' || raw === 'None' || raw === ''
}

/** A flag; `true/false`, `1/0`, `yes/no`, `on/off` in the environment. */
export function flag(declaration: Declaration<boolean>): Setting<boolean> {
  return setting('boolean', parseFlag, declaration)
}

export function parseFlag(raw: unknown): boolean {
  if (typeof raw === 'boolean') return raw
  const word = typeof raw === 'string' ? raw.trim().toLowerCase() : raw === 1 || raw === 0 ? String(raw) : undefined
  if (word !== undefined && TRUE.has(word)) return true
  if (word !== undefined && FALSE.has(word)) return false
  throw new Error('expected true or false')
}

/** Text on one line; blanks and line ends around it are removed. */
export function text(declaration: Declaration<string>): Setting<string> {
  return setting('text', parseText, declaration)
}

/** Text on one line, or null. */
export function optionalText(declaration: Declaration<string | null>): Setting<string | null> {
  return setting('text or null', raw => orNone(raw, parseText), declaration)
}

/** A text without blanks: an id, a region, a host, a URL. Blanks and line ends around it are removed. */
export function word(declaration: Declaration<string>): Setting<string> {
  return setting('text', parseWord, declaration)
}

/** Like `word`, or null. */
export function optionalWord(declaration: Declaration<string | null>): Setting<string | null> {
  return setting('text or null', raw => orNone(raw, parseWord), declaration)
}

/** A word for headers, so that it has printable ASCII only, or null. */
export function optionalToken(declaration: Declaration<string | null>): Setting<string | null> {
  return setting('text or null', raw => orNone(raw, parseToken), declaration)
}

/** A folder, a file or a prefix of names, in which blanks count; control characters are rejected. */
export function place(declaration: Declaration<string>): Setting<string> {
  return setting('text', parsePlace, declaration)
}

/** Like `place`, or null. */
export function optionalPlace(declaration: Declaration<string | null>): Setting<string | null> {
  return setting('text or null', raw => (isNone(raw) ? null : parsePlace(raw)), declaration)
}

function orNone(raw: unknown, parse: (raw: unknown) => string): string | null {
  return isNone(raw) ? null : parse(raw) || null
}

/** Removes the blanks and line ends around a text; rejects a text with a control character inside. */
export function parseText(raw: unknown): string {
  return parsePlace(typeof raw === 'string' ? raw.trim() : raw)
}

/** Parses like `parseText`; rejects a text with a blank or an invisible character inside. */
export function parseWord(raw: unknown): string {
  const text = parseText(raw)
  if (/[\s\p{Cf}]/u.test(text)) throw new Error('expected text without blanks and invisible characters')
  return text
}

/** Parses like `parseWord`; rejects a word with other than printable ASCII. */
export function parseToken(raw: unknown): string {
  const text = parseWord(raw)
  if (/[^!-~]/.test(text)) throw new Error('expected printable ASCII')
  return text
}

/** Returns a text unchanged; rejects a text with a control character or half a surrogate pair. */
export function parsePlace(raw: unknown): string {
  if (typeof raw !== 'string') throw new Error('expected text')
  const control = CONTROL.exec(raw)?.[0]
  if (control !== undefined) throw new Error(`expected text without ${controlName(control)}`)
  if (!raw.isWellFormed()) throw new Error('expected text without halves of surrogate pairs')
  return raw
}

/** C0 and C1 controls, DEL, and Unicode's line and paragraph separators. */
const CONTROL = /[\p{Cc}\u2028\u2029]/u

function controlName(char: string): string {
  if (char === '\n' || char === '\r') return 'line feeds'
  return char === '\0' ? 'NUL' : 'control characters'
}

/** A whole number of `unit` from `min` to `max`; accepts digits with `_` and `0o` forms. */
export function integer(
  unit: string,
  declaration: Declaration<number>,
  min = 0,
  max: number = Number.MAX_SAFE_INTEGER,
): Setting<number> {
  return setting(`integer (${unit})`, raw => parseInteger(raw, min, max), declaration)
}

/** A whole number of `unit`, or null. */
export function optionalInteger(
  unit: string,
  declaration: Declaration<number | null>,
  min = 0,
): Setting<number | null> {
  return setting(`integer (${unit}) or null`, raw => (isNone(raw) ? null : parseInteger(raw, min)), declaration)
}

/** A TCP port, or null. */
export function optionalPort(declaration: Declaration<number | null>): Setting<number | null> {
  return setting('integer (port) or null', raw => (isNone(raw) ? null : parseInteger(raw, 1, 65_535)), declaration)
}

/** A whole number within bounds. */
export function parseInteger(raw: unknown, min: number, max: number = Number.MAX_SAFE_INTEGER): number {
  const number = typeof raw === 'string' && raw.trim() !== '' ? Number(raw.replaceAll('_', '')) : raw
  if (typeof number === 'number' && Number.isSafeInteger(number) && number >= min && number <= max) return number
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`
  throw new Error(`expected a whole number ${range}`)
}

/** A number of seconds above 0, or null. */
export function optionalSeconds(declaration: Declaration<number | null>): Setting<number | null> {
  return setting('seconds or null', raw => (isNone(raw) ? null : parseSeconds(raw)), declaration)
}

function parseSeconds(raw: unknown): number {
  const number = typeof raw === 'string' && raw.trim() !== '' ? Number(raw) : raw
  if (typeof number === 'number' && Number.isFinite(number) && number > 0) return number
  throw new Error('expected a number of seconds above 0')
}

/** Unix permission bits or null: a number, or octal digits (`'644'`, `'0o644'`) as text. */
export function optionalMode(declaration: Declaration<number | null>): Setting<number | null> {
  return setting('octal mode or null', raw => (isNone(raw) ? null : parseMode(raw)), declaration)
}

function parseMode(raw: unknown): number {
  if (typeof raw === 'string' && /^(0o?)?[0-7]{1,5}$/.test(raw))
    return Number.parseInt(raw.replace(/^0o?/, '') || '0', 8)
  if (typeof raw === 'number' && Number.isInteger(raw) && raw >= 0 && raw <= 0o7777) return raw
  throw new Error("expected permission bits such as 0o644, or '644' as text")
}

/** One of a few words. */
export function choice<const V extends string>(values: readonly V[], declaration: Declaration<V>): Setting<V> {
  return setting(values.join(' | '), raw => parseChoice(raw, values), declaration)
}

/** One of a few words, or null. */
export function optionalChoice<const V extends string>(
  values: readonly V[],
  declaration: Declaration<V | null>,
): Setting<V | null> {
  return setting(`${values.join(' | ')} or null`, raw => (isNone(raw) ? null : parseChoice(raw, values)), declaration)
}

/** One of a few words. */
export function parseChoice<V extends string>(raw: unknown, values: readonly V[]): V {
  const given = typeof raw === 'string' ? raw.trim() : raw
  const found = values.find(value => value === given)
  if (found !== undefined) return found
  throw new Error(`expected one of ${values.join(', ')}`)
}

/** A list of texts: an array, or comma-separated in the environment. */
export function list(declaration: Declaration<readonly string[]>): Setting<readonly string[]> {
  return setting('list of text', parseList, declaration)
}

/** A list of texts. */
export function parseList(raw: unknown): readonly string[] {
  const items =
    typeof raw === 'string'
      ? raw
          .split(',')
          .map(item => item.trim())
          .filter(Boolean)
      : raw
  if (Array.isArray(items) && items.every(item => typeof item === 'string')) return items.map(parseText)
  throw new Error('expected a list of texts')
}

/** An object whose values are words, or its JSON in the environment; an error names the value. */
export function wordMap(
  declaration: Declaration<Readonly<Record<string, string>>>,
): Setting<Readonly<Record<string, string>>> {
  return setting('map', raw => parseEach(isNone(raw) ? {} : parseMap(raw), parseWord), declaration)
}

/** Parses each value of a map; an error names the path of the value. */
export function parseEach<V>(
  values: Readonly<Record<string, unknown>>,
  parse: (value: unknown, name: string) => V,
): Readonly<Record<string, V>> {
  const parsed = Object.entries(values).map(([name, value]): [string, V] => {
    try {
      return [name, parse(value, name)]
    } catch (error) {
      throw new Error(`${parsePlace(name)}: ${messageOf(error)}`)
    }
  })
  return Object.fromEntries(parsed)
}

/** An object, or its JSON in the environment; null is an empty object, since Django's settings have `None`. */
export function map<V = unknown>(
  declaration: Declaration<Readonly<Record<string, V>>>,
): Setting<Readonly<Record<string, V>>> {
  return setting('map', raw => (isNone(raw) ? {} : parseMap(raw)) as Readonly<Record<string, V>>, declaration)
}

export function parseMap(raw: unknown): Readonly<Record<string, unknown>> {
  const value = typeof raw === 'string' ? parseJson(raw) : raw
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new Error('expected an object (JSON in the environment)')
}

function parseJson(raw: string): unknown {
  try {
    return JSON.parse(raw)
  } catch {
    return undefined
  }
}
