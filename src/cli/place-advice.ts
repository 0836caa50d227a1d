import { isIP } from 'node:net'
import { isStorageError, StorageError } from '../core/errors.ts'
import { type AnySettings, withOptionNames } from '../core/settings.ts'
import { HttpStatusError } from '../remote/http-error.ts'
import type { AnyStorage } from '../storage/storage.ts'

/** Options that contain the name of a bucket or container. */
const CONTAINERS = ['bucketName', 'azureContainer', 'containerName', 'container', 'collection'] as const

/** Returns advice about a storage's address and the name of its bucket. Sends no request. */
export function placeAdvice(storage: AnyStorage, alias: string): string[] {
  const options = storage.options as Readonly<Record<string, unknown>>
  const name = CONTAINERS.find(each => typeof options[each] === 'string' && options[each] !== '')
  if (name === undefined) return []
  const container = String(options[name])
  const reason = nameReason(storage, container)
  const bad = reason && `${optionName(storage, name)}: '${container}' cannot be the name of a ${reason}`
  return [bad, hostReason(storage, container)].filter(Boolean).map(text => `storage '${alias}': ${text}.`)
}

/** Returns why a service can have no container of this name. Other services with the same protocol have their own rules. */
function nameReason({ calls, options }: AnyStorage, name: string): string | undefined {
  const { endpointUrl, provider } = options as Readonly<Record<string, unknown>>
  const isOwn = !endpointUrl && !provider
  const { name: backend } = calls.driver
  if (backend === 's3' && isOwn) return broken('bucket of Amazon S3', name, S3_RULES)
  if (backend === 'gcs' && isOwn) return broken('bucket of Google Cloud Storage', name, GCS_RULES)
  if (backend === 'azure') return broken('container of Azure', name, AZURE_RULES)
  return undefined
}

type Rules = ReadonlyArray<readonly [isBroken: (name: string) => boolean, rule: string]>

function broken(what: string, name: string, rules: Rules): string | undefined {
  const found = rules.filter(([isBroken]) => isBroken(name)).map(([, rule]) => rule)
  return found.length === 0 ? undefined : `${what}: ${found.join('; ')}`
}

const SHORT: Rules[number] = [name => name.length < 3 || name.length > 63, 'it must have 3 to 63 characters']
const UPPER: Rules[number] = [name => /[A-Z]/.test(name), 'it must have no capital letters']
const ENDS: Rules[number] = [
  name => !/^[a-z0-9]/i.test(name) || !/[a-z0-9]$/i.test(name),
  'it must begin and end with a letter or a digit',
]

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
const S3_RULES: Rules = [
  SHORT,
  UPPER,
  [name => name.includes('_'), 'it must have no underscore'],
  [name => /[^\w.-]/.test(name), 'it may have letters, digits, dots and hyphens only'],
  ENDS,
  [name => name.includes('..'), 'it must not have two dots in a row'],
  [name => isIP(name) !== 0, 'it must not be an IP address'],
]

/** https://cloud.google.com/storage/docs/buckets#naming */
const GCS_RULES: Rules = [
  [
    name => name.length < 3 || name.split('.').some(part => part.length > 63) || name.length > 222,
    'it must have 3 to 63 characters',
  ],
  UPPER,
  [name => /[^\w.-]/.test(name), 'it may have letters, digits, dots, hyphens and underscores only'],
  ENDS,
  [name => isIP(name) !== 0, 'it must not be an IP address'],
  [name => /^goog|google/.test(name), "it must not begin with 'goog' or have 'google' in it"],
]

/** https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata */
const AZURE_RULES: Rules = (
  [
    SHORT,
    UPPER,
    [name => /[^a-z0-9-]/i.test(name), 'it may have letters, digits and hyphens only'],
    ENDS,
    [name => name.includes('--'), 'it must not have two hyphens in a row'],
  ] satisfies Rules
).map(([isBroken, rule]) => [name => !/^\$(root|web|logs)$/.test(name) && isBroken(name), rule])

/** Returns what is wrong with an address: one that also names the bucket makes a folder of that name in it, or is not a host at all. */
function hostReason(storage: AnyStorage, container: string): string | undefined {
  const { endpointUrl } = storage.options as Readonly<Record<string, unknown>>
  if (typeof endpointUrl !== 'string') return undefined
  const [host = '', first] = endpointUrl.replace(/^[a-z]+:\/\//i, '').split('/')
  const option = optionName(storage, 'endpointUrl')
  if (host.startsWith(`${container}.`) && host.includes('.', container.length + 1)) {
    return `${option}: its host begins with the bucket's name, which is added anyway: leave '${container}.' out`
  }
  if (first !== container) return undefined
  return `${option}: its path is the bucket's name, which is added anyway: leave '/${container}' out`
}

/** Returns an option with the name of its setting: `bucketName (AWS_STORAGE_BUCKET_NAME)`. */
function optionName(storage: AnyStorage, option: string): string {
  const origin = storage.origins[option as never] as { readonly from: string; readonly key: string } | undefined
  const isNamed = origin?.from === 'setting' || origin?.from === 'environment'
  const key = isNamed ? origin.key : settingsOf(storage)[option]?.keys[0]
  return key === undefined ? option : `${option} (${key})`
}

function settingsOf(storage: AnyStorage): AnySettings {
  return (storage.constructor as unknown as { readonly settings: AnySettings }).settings
}

const PLAIN_TO_TLS =
  /plain HTTP request was sent to HTTPS|HTTP request to an HTTPS server|speaking plain HTTP to an SSL/i

/** Returns an error of a storage whose message names options first, and states which address has the wrong scheme. */
export function explained(storage: AnyStorage, error: unknown, isTls = false): unknown {
  if (!isStorageError(error)) return error
  const scheme = schemeReason(storage, error, isTls)
  const text = withOptionNames(error.message, settingsOf(storage)) + (scheme === undefined ? '' : ` (${scheme})`)
  return text === error.message ? error : new StorageError(error.code, text, { ...error, cause: error })
}

function schemeReason(storage: AnyStorage, { message, cause }: StorageError, isTls: boolean): string | undefined {
  const answer = cause instanceof HttpStatusError ? cause : undefined
  const location = String(answer?.headers.location ?? '')
  const wantsTls =
    isTls ||
    /must begin with https/.test(message) ||
    PLAIN_TO_TLS.test(answer?.bodyText ?? '') ||
    location.startsWith('https:')
  const wantsPlain = /does not speak TLS on this port/.test(message)
  if (!wantsTls && !wantsPlain) return undefined
  const address = /https?:\/\/([^/\s?]+)/.exec(message)?.[1]
  const options = Object.entries(storage.options as object).filter(([, value]) => typeof value === 'string')
  const option = options.find(([, value]) => address !== undefined && String(value).includes(address))?.[0]
  if (option === undefined) return `the address is one of ${wantsTls ? 'https' : 'http'}`
  const right = wantsTls ? `https://${address}` : `http://${address}`
  return `${optionName(storage, option)}: write ${right}`
}
