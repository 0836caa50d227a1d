import { authAddress } from '../../src/remote/openstack/address.ts'
import { parseAuth } from '../../src/remote/openstack/auth-version.ts'
import { endpointsOfV2, endpointsOfV3, endpointUrl, pickEndpoint } from '../../src/remote/openstack/catalog.ts'
import { grantOf, grantOfV1 } from '../../src/remote/openstack/grant.ts'
import { quietly, type Target } from './target.ts'

const NAMES = { authUrl: 'A', authVersion: 'B' }
const WANTED = { serviceType: 't', serviceName: null, regionName: null, interface: 'public' } as const
const WANTED_NAMES = { serviceType: 'T', serviceName: 'N', regionName: 'R', interface: 'I' }

/** What identity services of OpenStack answer, and what users write of them. */
export const ofIdentities: readonly Target[] = [
  {
    title: 'answers of identity services',
    parts: [
      'https://',
      'http://',
      '/',
      'v1',
      'AUTH_a',
      '%20',
      '@',
      ':',
      '.',
      '?',
      '#',
      ' ',
      '2126-',
      '01',
      'T',
      'Z',
      '\\',
    ],
    run(input) {
      endpointUrl(input)
      endpointUrl(`https://swift.test/${input}`)
      quietly(() =>
        grantOfV1({ 'x-storage-url': `https://a/${input}`, 'x-auth-token': input, 'x-auth-token-expires': input }),
      )
      const value = { token: { expires_at: input, catalog: input }, access: { token: { id: input, expires: input } } }
      quietly(() => grantOf(3, { headers: { 'x-subject-token': input }, value }))
      quietly(() => grantOf(2, { headers: {}, value }))
    },
  },
  {
    title: 'catalogs of many entries',
    parts: ['a', 'b', '/', ' '],
    run(input) {
      const entries = Array.from({ length: input.length / 50 }, (_, at) => ({
        interface: 'public',
        region: `${input.slice(at, at + 5)}${at}`,
        url: `https://swift.test/${at}`,
        publicURL: `https://swift.test/${at}`,
      }))
      const catalog = [{ type: 't', name: 'n', endpoints: entries }]
      for (const read of [endpointsOfV2, endpointsOfV3])
        quietly(() => pickEndpoint(read(catalog), WANTED, WANTED_NAMES))
    },
  },
  {
    title: 'addresses and versions of identity services',
    length: 20_000,
    parts: ['/', 'v3', 'v2.0', 'auth', 'tokens', '/v1.0', '.', 'x', '_', '3', 'oidc', 'password', ' ', ':', '@'],
    run(input) {
      quietly(() => authAddress(`https://id.test/${input}`, NAMES, undefined, 3))
      quietly(() => authAddress(input, NAMES, undefined, 3))
      quietly(() => parseAuth(input))
      quietly(() => parseAuth(`3.x_${input}`))
    },
  },
]
