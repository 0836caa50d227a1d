import { nodeUtil } from '../core/builtin.ts'
import { ImproperlyConfigured } from '../core/errors.ts'
import type { AnySettings, SettingRole } from '../core/settings.ts'
import type { AnyStorage } from '../storage/storage.ts'

import { BACKENDS } from './backend-table.ts'

type Environment = Record<string, string | undefined>

/**
 * Variables of the system, of Node itself, of the languages that a `credential_process` may be written in, and of the resolver. They decide
 * which programs run and how host names are resolved, so a file may not set them. (resolver(3), resolv.conf(5))
 */
const OF_PROCESS =
  /^(PATH|HOME|USERPROFILE|SHELL|COMSPEC|HOLDALL_CONFIG|NODE_OPTIONS|NODE_PATH|NODE_EXTRA_CA_CERTS|LD_\w+|DYLD_\w+|BASH_ENV|GCONV_PATH|PYTHON\w+|PERL5\w+|PERLLIB|RUBYLIB|RUBYOPT|(_|JDK_)JAVA_OPTIONS|JAVA_TOOL_OPTIONS|HOSTALIASES|LOCALDOMAIN|RES_OPTIONS)$/i

/** Variables for all programs that decide where requests go. */
const DESTINATIONS = /^(https?_proxy|no_proxy|NODE_TLS_REJECT_UNAUTHORIZED)$/i

/** Whether a variable that is not a declared setting decides where requests go, who may read them, or where keys are requested. */
function isDestination(variable: string): boolean {
  return DESTINATIONS.test(variable) || BACKENDS.some(({ variables }) => variables?.test(variable))
}

/** A value that a file added to an environment. */
interface Added {
  readonly file: string
  readonly value: string
}

/** Names and values that files added, by environment. */
const added = new WeakMap<object, Map<string, Added>>()

/** Adds the variables of a `.env` text to an environment. Existing variables do not change, and those of the process are skipped. */
export function addEnvText(text: string, file: string, env: Environment): void {
  const ours = added.get(env) ?? new Map<string, Added>()
  added.set(env, ours)
  for (const [name, value] of Object.entries(nodeUtil().parseEnv(text))) {
    if (value === undefined || env[name] !== undefined || OF_PROCESS.test(name)) continue
    env[name] = value
    ours.set(nameIn(name), { file, value })
  }
}

/** Returns the `.env` file that set a variable; undefined for a variable of the process. */
export function envFileOf(name: string, env: Readonly<Environment> = process.env): string | undefined {
  const found = added.get(env)?.get(nameIn(name))
  return found !== undefined && found.value === env[name] ? found.file : undefined
}

/** On Windows the names of variables are case-insensitive. */
function nameIn(name: string): string {
  return process.platform === 'win32' ? name.toUpperCase() : name
}

/**
 * Rejects a storage that would send keys to a destination from a `.env` file, unless the same file set the keys: a file in some folder must
 * not send the user's own keys elsewhere. `optionsFile` is the `.env` file of the OPTIONS, if any.
 */
export function refuseForeignPlace(
  storage: AnyStorage,
  optionsFile: string | undefined,
  env: Readonly<Environment> = process.env,
): void {
  const { settings: declared = {} } = storage.constructor as unknown as { readonly settings?: AnySettings }
  const inRole = (wanted: SettingRole): string[] =>
    Object.keys(declared).filter(option => {
      const { role } = declared[option]!
      return role === wanted || role === 'both'
    })
  const credentials = inRole('credential')
  if (credentials.length === 0) return
  const originOf = (option: string) => {
    const { from, key } = storage.origins[option]!
    // A value of a map is named by the map and its own key: `AWS_S3_CLIENT_CONFIG.proxies`.
    const variable = key.split('.', 1)[0]!
    return {
      key,
      file: from === 'environment' ? envFileOf(variable, env) : from === 'option' ? optionsFile : undefined,
    }
  }
  const variables = [...(added.get(env)?.keys() ?? [])].filter(isDestination)
  const place = [
    ...inRole('destination').map(originOf),
    ...variables.map(key => ({ key, file: envFileOf(key, env) })),
  ].find(({ file }) => file !== undefined)
  if (place === undefined) return
  const given = credentials.filter(option => storage.options[option as never] !== null)
  if (given.length > 0 && given.every(option => originOf(option).file === place.file)) return
  throw new ImproperlyConfigured(
    `${place.file}: ${place.key} decides where requests go or where keys come from, and this file does not bring the keys. ` +
      'Set it where the keys are set: in the configuration or in the environment.',
  )
}
