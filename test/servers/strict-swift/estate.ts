/** Who may do what: the user, project and credentials that every identity service of the strict server knows. */

/** A domain of Keystone. */
export const DOMAIN = { id: 'default', name: 'Default' } as const

/** The user of Keystone v2 and v3; names and secrets have letters that JSON and headers must carry. */
export const USER = {
  id: '1f0c4a7b9d3e48e2a6c5d0b8e7f6a594',
  name: 'tester',
  password: 'pass:w@rd/ü"\\ 1',
  domain: DOMAIN,
} as const

/** The user's project; a name may have blanks. */
export const PROJECT = { id: '7e3b1c5a2d9f4680b7a1c3e5d7f90b2d', name: 'demo project', domain: DOMAIN } as const

/** A project where the user has no role. */
export const OTHER_PROJECT = { id: '0a1b2c3d4e5f60718293a4b5c6d7e8f9', name: 'other', domain: DOMAIN } as const

/** An application credential of the user in the project. */
export const APPLICATION_CREDENTIAL = {
  id: 'c0ffee00c0ffee00c0ffee00c0ffee00',
  name: 'uploader',
  secret: 'rEaClMZpDqSsBp-OvBQz_1yM0wN2x',
} as const

/** The user of auth v1 (TempAuth). */
export const TEMPAUTH = { user: 'test:tester', key: 'testing key', account: 'AUTH_test' } as const

/** The customer of Rackspace. */
export const RACKSPACE = {
  username: 'rax-user',
  apiKey: 'a86850deb2742ec3cb41518e26aa2d89',
  password: 'rax pass',
  tenantId: '123456',
  account: 'MossoCloudFS_0672d7fa-9f85-4a81-a3ab-adb66a880123',
} as const

/** The storage account of a project in a region; the first region has the plain name. */
export function accountIn(base: string, regions: readonly string[], region: string): string {
  const index = regions.indexOf(region)
  return index <= 0 ? base : `${base}.${region}`
}
