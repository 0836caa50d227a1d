import { ImproperlyConfigured } from '../../core/errors.ts'
import { textOf } from '../answers.ts'
import { serviceEndpoint } from '../endpoint.ts'

/** Which side of a cloud an address is for. */
export type Interface = 'public' | 'internal' | 'admin'

/** One address of one service in one region. */
export interface Endpoint {
  readonly type: string
  readonly name: string | undefined
  readonly region: string | undefined
  readonly interface: Interface
  /** http or https, without user information or a trailing slash. */
  readonly url: string
}

/** Which endpoint is wanted. */
export interface Wanted {
  readonly serviceType: string
  readonly serviceName: string | null
  readonly regionName: string | null
  readonly interface: Interface
}

/** Names of the settings that select the endpoint. */
export type WantedNames = Readonly<Record<keyof Wanted, string>>

type Fields = Readonly<Record<string, unknown>>

/** The endpoints in a catalog of Keystone v3. An entry that cannot be parsed is left out. (Identity API v3, POST /v3/auth/tokens) */
export function endpointsOfV3(catalog: unknown): Endpoint[] {
  return items(catalog).flatMap(service =>
    items(service['endpoints']).flatMap(({ interface: side, url, region, region_id: regionId }) =>
      endpointOf(service, region ?? regionId, side, url),
    ),
  )
}

/**
 * The endpoints in a catalog of version 2, in which one entry has all three interfaces of a region. (Identity API v2.0, POST /v2.0/tokens)
 */
export function endpointsOfV2(catalog: unknown): Endpoint[] {
  return items(catalog).flatMap(service => items(service['endpoints']).flatMap(entry => sidesOf(service, entry)))
}

/** Types of the services that have only a name in Rackspace's version 1.1. */
const TYPES: Readonly<Record<string, string>> = { cloudFiles: 'object-store', cloudFilesCDN: 'rax:object-cdn' }

/** The endpoints in a catalog of Rackspace's version 1.1: lists by the name of the service. */
export function endpointsOfV11(catalog: unknown): Endpoint[] {
  return Object.entries(fieldsOf(catalog)).flatMap(([name, entries]) =>
    items(entries).flatMap(entry => sidesOf({ name, type: TYPES[name] ?? name }, entry)),
  )
}

function sidesOf(service: Fields, { region, publicURL, internalURL, adminURL }: Fields): Endpoint[] {
  const sides = { public: publicURL, internal: internalURL, admin: adminURL }
  return Object.entries(sides).flatMap(([side, url]) => endpointOf(service, region, side, url))
}

function endpointOf({ type, name }: Fields, region: unknown, side: unknown, address: unknown): Endpoint[] {
  const given = textOf(address)
  const [, known] = /^(public|internal|admin)(?:URL)?$/.exec(textOf(side) ?? '') ?? []
  if (typeof type !== 'string' || given === undefined || known === undefined) return []
  const url = endpointUrl(given)
  if (url === undefined) return []
  return [{ type, name: textOf(name), region: textOf(region), interface: known as Interface, url }]
}

/** The address in an answer; undefined if it is not a plain http or https URL. */
export function endpointUrl(text: string): string | undefined {
  try {
    if (!/^https?:\/\//i.test(text) || /[\s\\]/.test(text)) return undefined
    const { scheme, host, path } = serviceEndpoint(text, '')
    return `${scheme}://${host}${path}`
  } catch {
    return undefined
  }
}

/**
 * The URL of the only matching endpoint. Code `improperly_configured`, with the available regions or services, for none or several matches.
 */
export function pickEndpoint(endpoints: readonly Endpoint[], wanted: Wanted, names: WantedNames): string {
  const { serviceType, serviceName, regionName } = wanted
  const services = endpoints.filter(({ type, name }) => type === serviceType && (serviceName ?? name) === name)
  const sides = services.filter(one => one.interface === wanted.interface)
  const found = regionName === null ? sides : sides.filter(({ region }) => region === regionName)
  const [url, ...others] = distinct(found.map(one => one.url))
  if (url !== undefined && others.length === 0) return url
  const what = `service of type '${serviceType}'${serviceName === null ? '' : ` called '${serviceName}'`}`
  if (services.length === 0) {
    throw new ImproperlyConfigured(
      `The catalog of the identity service has no ${what}${listed(
        'types',
        endpoints.map(one => one.type),
      )}. See ${names.serviceType}.`,
    )
  }
  if (sides.length === 0) {
    const have = listed(
      'interfaces',
      services.map(one => one.interface),
    )
    throw new ImproperlyConfigured(`The ${what} has no ${wanted.interface} interface${have}. See ${names.interface}.`)
  }
  const regions = listed(
    'regions',
    sides.map(({ region }) => region ?? 'none'),
  )
  if (url === undefined) {
    throw new ImproperlyConfigured(`${names.regionName}: there is no region '${regionName}'${regions}.`)
  }
  if (distinct(found.map(({ region }) => region)).length > 1) {
    throw new ImproperlyConfigured(`${names.regionName} is missing: the ${what} is in several regions${regions}.`)
  }
  const have = listed(
    'names',
    found.map(({ name }) => name ?? 'none'),
  )
  throw new ImproperlyConfigured(
    `${names.serviceName} is missing: there are several services of type '${serviceType}'${have}.`,
  )
}

/** The public URL of an endpoint's region; undefined if the catalog has none, or several. */
export function publicEndpoint(endpoints: readonly Endpoint[], wanted: Omit<Wanted, 'interface'>): string | undefined {
  const { serviceType, serviceName, regionName } = wanted
  const found = endpoints.filter(
    one =>
      one.type === serviceType &&
      one.interface === 'public' &&
      (serviceName ?? one.name) === one.name &&
      (regionName ?? one.region) === one.region,
  )
  const [url, ...others] = distinct(found.map(one => one.url))
  return others.length === 0 ? url : undefined
}

function listed(what: string, values: readonly string[]): string {
  const shown = distinct(values).sort().slice(0, 50)
  return shown.length === 0 ? '' : `; ${what}: ${shown.join(', ')}`
}

function distinct<V>(values: readonly V[]): V[] {
  return [...new Set(values)]
}

/** The objects of a list; other items are left out. */
function items(list: unknown): Fields[] {
  return Array.isArray(list) ? list.filter(item => typeof item === 'object' && item !== null) : []
}

/** The fields of an object; an empty object for any other value. */
export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {}
}
