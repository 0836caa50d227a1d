import type { CallContext } from '../../core/call.ts'
import { headerTextOf } from '../../remote/headers.ts'
import { fieldText } from '../../remote/xml.ts'
import type { AtmosClient } from './client.ts'

/** The service's information about itself. */
export interface AtmosServiceInfo {
  /** `2.1.0`. */
  readonly version: string
  /** Its features, by its own names: `object`, `namespace`, `utf-8`, `browser-compat`, `key-value`, `subtenant-buckets` ... */
  readonly features: readonly string[]
}

/** Requests the version and the features of the service. (Atmos Programmer's Guide, "Getting service information") */
export async function serviceInfo(client: AtmosClient, ctx: CallContext): Promise<AtmosServiceInfo> {
  const { root, headers } = await client.xml({ method: 'GET' }, ctx)
  const said = (headerTextOf(headers['x-emc-features']) ?? '').split(',').map(feature => feature.trim())
  const features = new Set(said.filter(feature => feature !== ''))
  // Services from before this list report this feature in a separate header.
  if (headerTextOf(headers['x-emc-support-utf8'])?.trim().toLowerCase() === 'true') features.add('utf-8')
  return { version: fieldText(root, 'Atmos'), features: [...features] }
}
