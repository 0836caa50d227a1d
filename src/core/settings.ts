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
  /** Other names of the option, as in Django's OPTIONS where they are not simply snake_case of ours. */
  readonly aliases: readonly string[]
  /** One sentence for the table in `docs/`. */
  readonly doc: string
  /** What the table calls the type: `text`, `integer (bytes)`. */
  readonly type: string
  /** Whether the value must never be printed. */
  readonly secret: boolean
  /** What may be printed of a value that may hold secrets among other things. */
  shown?(value: V): unknown
  /** Whether the environment may not give it. */
  readonly noEnvironment: boolean
  /** Those of `keys` that the environment may not give, since other programs use such a name for something else. */
  readonly tooCommon?: readonly string[] | undefined
  /** A `.env` file may set a destination only together with the credentials. */
  readonly role?: SettingRole | undefined
  /** Whether an empty environment variable counts as given. */
  readonly emptyCounts?: boolean | undefined
  readonly default: V
  /** Turns what a user wrote (in code, JSON or the environment) into a value; throws an `Error` that says what is expected. */
  parse(raw: unknown): V
}

/** The declarations of an options interface. */
export type SettingsOf<O> = { readonly [K in keyof O]-?: Setting<O[K]> }

/** What a constructor takes: every option may be left out. */
export type Input<O> = { readonly [K in keyof O]?: O[K] | undefined }

/** Declarations of a class whose options are not known. */
export type AnySettings = Readonly<Record<string, Setting<unknown>>>

/** Where values may come from besides the constructor. */
export interface SettingsSources {
  /** The class chain's fixed values, nearest class first. */
  readonly defaults: ReadonlyArray<Readonly<Record<string, unknown>>>
  /** The global settings object. */
  readonly settings: Readonly<Record<string, unknown>>
  readonly env: Readonly<Record<string, string | undefined>>
  /** Whether there are no options that a program could give, so that errors name the settings only. Default: no. */
  readonly settingsOnly?: boolean | undefined
}

/** Where a value was found, as `holdall check` explains it. */
export interface Origin {
  readonly from: 'option' | 'class' | 'setting' | 'environment' | 'default'
  /** The name under which it was written there. */
  readonly key: string
}

/** Values and their origins. */
export interface ResolvedSettings<O> {
  readonly options: Readonly<O>
  readonly origins: Readonly<Record<keyof O & string, Origin>>
}

/**
 * Finds each option's value: constructor, then class defaults, then settings object, then environment, then the declared default.
 * An unknown option is an `ImproperlyConfigured` "Invalid setting 'x' for Y", with the name that is probably meant; a bad value's error names the option and the key that was written.
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

/** The declared option that a user's key means: its own name, its snake_case (Django's OPTIONS), or an alias. */
export function optionName(settings: AnySettings, key: string): string | undefined {
  if (Object.hasOwn(settings, key)) return key
  const camel = key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
  if (Object.hasOwn(settings, camel)) return camel
  for (const name in settings) if (settings[name]!.aliases.includes(key)) return name
  return undefined
}

/** The option that a wrong key probably means: a global name's own, what other libraries call so, else one of a similar name. */
function likelyOption(settings: AnySettings, key: string): string | undefined {
  const names = Object.keys(settings)
  return names.find(name => settings[name]!.keys.includes(key)) ?? synonymIn(names, key) ?? nearest(key, names)
}

/**
 * A message in which each name of the settings object or the environment comes after its option: `bucketName (AWS_STORAGE_BUCKET_NAME)`. One that
 * is about settings by name, and says so, stays as it is.
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
    // A secret that is given as the id of the key shall not be shown either.
    const hidden = setting.secret || setting.shown !== undefined || setting.role === 'credential'
    const reason = messageOf(error).replace(/\.$/, '')
    const isNamed = option !== undefined && (from === 'setting' || from === 'environment')
    const title = isNamed ? `${option} (${key})` : key
    throw new ImproperlyConfigured(`${title}: ${reason}${hidden ? '' : `, got ${shown(raw)}`}.`)
  }
}

/** A text by its first line: a quote that is not closed in a `.env` file takes the lines of other settings along. */
function shown(raw: unknown): string {
  const text = typeof raw === 'string' ? `'${visible(raw.split('\n', 1)[0]!)}'` : (JSON.stringify(raw) ?? String(raw))
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}

/** A text whose control and invisible characters are written out: a terminal would act on them, and nobody would see them. */
function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, char => `\\u{${char.codePointAt(0)!.toString(16)}}`)
}

/** Options as they may be printed: secrets are `'***'`, functions and objects of classes are named only. */
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

/** Returns a frozen copy of the options that prints (`inspect`, JSON) as `redactOptions` does. */
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
 * The settings object that storages read when none is passed to them: that of the innermost `overrideSettings` around the call, else the
 * process's. It is read when a storage is constructed.
 */
export function activeSettings(): Settings {
  return scopes?.getStore()?.settings ?? active
}

/** Replaces the settings object of the scope that the call is in, outside of `overrideSettings` the process's. Returns the old one. */
export function activateSettings(settings: Settings): Settings {
  const before = activeSettings()
  const scope = scopes?.getStore()
  if (scope === undefined) active = settings
  else scope.settings = settings
  return before
}

/** Runs `work` with another settings object, which only `work` and what it starts see: calls may overlap. */
export function withSettings<T>(settings: Settings, work: () => T): T {
  scopes ??= new (nodeAsyncHooks().AsyncLocalStorage)()
  return scopes.run({ settings }, work)
}

/** Options of which some are as if nobody had given them. */
export function withoutOptions<O>(
  { options, origins }: ResolvedSettings<O>,
  names: readonly string[],
): ResolvedSettings<O> {
  const values = Object.fromEntries(names.map(name => [name, null]))
  const nowhere = Object.fromEntries(names.map((key): [string, Origin] => [key, { from: 'default', key }]))
  return { options: Object.freeze({ ...options, ...values }), origins: { ...origins, ...nowhere } }
}
