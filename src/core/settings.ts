import type { AsyncLocalStorage } from 'node:async_hooks'
import type { InspectOptions, inspect } from 'node:util'
import { INSPECT, nodeAsyncHooks } from './builtin.ts'
import { ImproperlyConfigured, messageOf } from './errors.ts'
import { hint, nearest, synonymIn } from './nearest.ts'

/** A destination decides where requests go or who can read them; a credential proves who sends them; a connection string is both. */
export type SettingRole = 'destination' | 'credential' | 'both'

/** One setting, declared once: its parsing, environment names, documentation, validation and redaction come from here. */
export interface Setting<V> {
  /** Global names in the settings object and the environment, the winning one first: `['AWS_S3_ACCESS_KEY_ID', 'AWS_ACCESS_KEY_ID']`. */
  readonly keys: readonly string[]
  /** Other names of the option, as in Django's OPTIONS where they are not simply Holdall's name in snake_case. */
  readonly aliases: readonly string[]
  /** One sentence for the table in `docs/`. */
  readonly doc: string
  /** The name of the type in the table: `text`, `integer (bytes)`. */
  readonly type: string
  /** Whether the value must never be printed. */
  readonly secret: boolean
  /** Returns the printable form of a value that may contain secrets. */
  shown?(value: V): unknown
  /** Whether the environment is not read for this setting. */
  readonly noEnvironment: boolean
  /** Those of `keys` that are not read from the environment, since other programs use the name for something else. */
  readonly tooCommon?: readonly string[] | undefined
  /** A `.env` file may set a destination only together with the credentials. */
  readonly role?: SettingRole | undefined
  /** Whether an empty environment variable counts as set. */
  readonly emptyCounts?: boolean | undefined
  readonly default: V
  /** Converts a value that a user wrote (in code, JSON or the environment); throws an `Error` that states what is expected. */
  parse(raw: unknown): V
}

/** The declarations of an options interface. */
export type SettingsOf<O> = { readonly [K in keyof O]-?: Setting<O[K]> }

/** Constructor options: every option is optional. */
export type Input<O> = { readonly [K in keyof O]?: O[K] | undefined }

/** Declarations of a class whose options are unknown. */
export type AnySettings = Readonly<Record<string, Setting<unknown>>>

/** Sources of values besides the constructor. */
export interface SettingsSources {
  /** The values that the class and its base classes set, nearest class first. */
  readonly defaults: ReadonlyArray<Readonly<Record<string, unknown>>>
  /** The global settings object. */
  readonly settings: Readonly<Record<string, unknown>>
  readonly env: Readonly<Record<string, string | undefined>>
  /** Whether there are no options that a program could give, so that errors name the settings only. Default: no. */
  readonly settingsOnly?: boolean | undefined
}

/** Where a value was found; `holdall check` prints it. */
export interface Origin {
  readonly from: 'option' | 'class' | 'setting' | 'environment' | 'default'
  /** The name that was used there. */
  readonly key: string
}

/** Values and their origins. */
export interface ResolvedSettings<O> {
  readonly options: Readonly<O>
  readonly origins: Readonly<Record<keyof O & string, Origin>>
}

/**
 * Determines each option's value: from the constructor, then class defaults, the settings object, the environment, and the declared
 * default. An unknown option is an `ImproperlyConfigured` "Invalid setting 'x' for Y", with the name that was probably meant. The error of
 * an invalid value names the option and the key that was written.
 */
export function resolveSettings<O>(
  className: string,
  declared: SettingsOf<O>,
  input: Readonly<Record<string, unknown>>,
  sources: SettingsSources,
): ResolvedSettings<O> {
  const settings = declared as AnySettings
  const given = canonicalOptions(className, settings, input)
  const fixed = sources.defaults.map(layer => canonicalOptions(className, settings, layer))
  const options: Record<string, unknown> = {}
  const origins: Record<string, Origin> = {}
  for (const name in settings) {
    const setting = settings[name]!
    const found = find(name, setting, given, fixed, sources)
    origins[name] = found.origin
    options[name] =
      found.origin.from === 'default'
        ? setting.default
        : parse(sources.settingsOnly === true ? undefined : name, setting, found.origin, found.raw)
  }
  return { options: Object.freeze(options) as Readonly<O>, origins: origins as ResolvedSettings<O>['origins'] }
}

type Named = ReadonlyMap<string, { readonly key: string; readonly raw: unknown }>

function canonicalOptions(className: string, settings: AnySettings, input: Readonly<Record<string, unknown>>): Named {
  const found = new Map<string, { key: string; raw: unknown }>()
  for (const key in input) {
    if (input[key] === undefined) continue
    const name = optionName(settings, key)
    if (name === undefined)
      throw new ImproperlyConfigured(
        `Invalid setting ${shown(key)} for ${className}${hint(likelyOption(settings, key))}`,
      )
    found.set(name, { key, raw: input[key] })
  }
  return found
}

/** Returns the declared option for a user's key: its own name, its snake_case (Django's OPTIONS), or an alias. */
export function optionName(settings: AnySettings, key: string): string | undefined {
  if (Object.hasOwn(settings, key)) return key
  const camel = key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
  if (Object.hasOwn(settings, camel)) return camel
  for (const name in settings) if (settings[name]!.aliases.includes(key)) return name
  return undefined
}

/**
 * Returns the option that an unknown key probably means: the option of a global name, a synonym from another library, else one with a
 * similar name.
 */
function likelyOption(settings: AnySettings, key: string): string | undefined {
  const names = Object.keys(settings)
  return names.find(name => settings[name]!.keys.includes(key)) ?? synonymIn(names, key) ?? nearest(key, names)
}

/**
 * Returns a message in which each name of the settings object or the environment follows its option: `bucketName
 * (AWS_STORAGE_BUCKET_NAME)`. A message that already states setting names as such does not change.
 */
export function withOptionNames(message: string, settings: AnySettings): string {
  if (/\bsettings?\b/.test(message)) return message
  return message.replace(SETTING_NAME, key => {
    const option = Object.keys(settings).find(name => settings[name]!.keys.includes(key))
    return option === undefined ? key : `${option} (${key})`
  })
}

/** A name in capitals that is neither quoted nor in parentheses. */
const SETTING_NAME = /(?<![\w('"])[A-Z][A-Z0-9]*_[A-Z0-9_]+(?![\w)'"]|\.\w)/g

function find(
  name: string,
  setting: Setting<unknown>,
  given: Named,
  fixed: readonly Named[],
  sources: SettingsSources,
) {
  const option = given.get(name)
  if (option !== undefined) return { raw: option.raw, origin: { from: 'option', key: option.key } satisfies Origin }
  for (const layer of fixed) {
    const entry = layer.get(name)
    if (entry !== undefined) return { raw: entry.raw, origin: { from: 'class', key: entry.key } satisfies Origin }
  }
  for (const key of setting.keys) {
    const raw = sources.settings[key]
    if (raw !== undefined) return { raw, origin: { from: 'setting', key } satisfies Origin }
  }
  for (const key of setting.noEnvironment ? [] : setting.keys) {
    if (setting.tooCommon?.includes(key)) continue
    const raw = sources.env[key]
    if (raw !== undefined && (raw !== '' || setting.emptyCounts))
      return { raw, origin: { from: 'environment', key } satisfies Origin }
  }
  return { raw: undefined, origin: { from: 'default', key: name } satisfies Origin }
}

function parse(option: string | undefined, setting: Setting<unknown>, { from, key }: Origin, raw: unknown): unknown {
  try {
    return setting.parse(raw)
  } catch (error) {
    // A secret that was set as the id of the key must not be shown either.
    const hidden = setting.secret || setting.shown !== undefined || setting.role === 'credential'
    const reason = messageOf(error).replace(/\.$/, '')
    const isNamed = option !== undefined && (from === 'setting' || from === 'environment')
    const title = isNamed ? `${option} (${key})` : key
    throw new ImproperlyConfigured(`${title}: ${reason}${hidden ? '' : `, got ${shown(raw)}`}.`)
  }
}

/** Returns the first line of a text: an unclosed quote in a `.env` file takes in the lines of other settings. */
function shown(raw: unknown): string {
  const text = typeof raw === 'string' ? `'${visible(raw.split('\n', 1)[0]!)}'` : (JSON.stringify(raw) ?? String(raw))
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}

/** Returns a text with its control and invisible characters escaped: a terminal would act on them, and a reader would not see them. */
function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, char => `\\u{${char.codePointAt(0)!.toString(16)}}`)
}

/** Returns options for printing: secrets are `'***'`, functions and objects of classes are only named. */
export function redactOptions<O>(declared: SettingsOf<O>, options: Readonly<O>): Record<string, unknown> {
  const settings = declared as AnySettings
  const shownOptions: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(options as Record<string, unknown>)) {
    const { secret = false, shown: show } = settings[name] ?? {}
    const hidden = secret && value !== null && value !== ''
    if (hidden) shownOptions[name] = '***'
    else if (typeof value === 'function') shownOptions[name] = `[function ${value.name}]`
    else shownOptions[name] = show === undefined ? value : show(value)
  }
  return shownOptions
}

/** Returns a frozen copy of the options that prints (`inspect`, JSON) like `redactOptions`. */
export function discreetOptions<O extends object>(declared: SettingsOf<O>, options: Readonly<O>): O {
  const shown = () => redactOptions(declared, options)
  const copy = Object.defineProperties(
    { ...options },
    {
      toJSON: { value: shown },
      [INSPECT]: {
        value: (depth: number, given: InspectOptions, print: typeof inspect) => print(shown(), { ...given, depth }),
      },
    },
  )
  return Object.freeze(copy)
}

type Settings = Readonly<Record<string, unknown>>

/** The settings of one call of `overrideSettings`, and of all work that was started in it. */
interface Scope {
  settings: Settings
}

let active: Settings = {}
let scopes: AsyncLocalStorage<Scope> | undefined

/**
 * Returns the settings object that storages read when none is passed to them: that of the innermost `overrideSettings` around the call,
 * else the process's. It is read when a storage is constructed.
 */
export function activeSettings(): Settings {
  return scopes?.getStore()?.settings ?? active
}

/** Replaces the settings object of the current scope: that of `overrideSettings`, else the process's. Returns the old one. */
export function activateSettings(settings: Settings): Settings {
  const before = activeSettings()
  const scope = scopes?.getStore()
  if (scope === undefined) active = settings
  else scope.settings = settings
  return before
}

/** Runs `work` with another settings object, visible only to `work` and the work that it starts: calls may overlap. */
export function withSettings<T>(settings: Settings, work: () => T): T {
  scopes ??= new (nodeAsyncHooks().AsyncLocalStorage)()
  return scopes.run({ settings }, work)
}

/** Returns options without the named ones, as if they had not been set. */
export function withoutOptions<O>(
  { options, origins }: ResolvedSettings<O>,
  names: readonly string[],
): ResolvedSettings<O> {
  const values = Object.fromEntries(names.map(name => [name, null]))
  const nowhere = Object.fromEntries(names.map((key): [string, Origin] => [key, { from: 'default', key }]))
  return { options: Object.freeze({ ...options, ...values }), origins: { ...origins, ...nowhere } }
}
