import { expect, it } from 'vitest'
import { LibCloudStorage } from '../../../src/backends/libcloud/index.ts'
import { entryOf, MODULE } from './support.ts'

const advice = (settings: Readonly<Record<string, unknown>>, env = {}) => LibCloudStorage.advice({ settings, env })
const on = (type: string, more = {}) => advice({ LIBCLOUD_PROVIDERS: { only: entryOf(type, more) } })

it('says which services are closed, and which names are old', () => {
  expect(on('NIMBUS')).toEqual([expect.stringContaining("LIBCLOUD_PROVIDERS['only']: Nimbus.io is closed")])
  expect(on('NINEFOLD')).toEqual([expect.stringContaining('Ninefold is closed')])
  expect(on('S3_EU_WEST_HOST')).toEqual([expect.stringContaining("write S3 with region 'eu-west-1'")])
  expect(on('CLOUDFIULES_UK')).toEqual([expect.stringContaining("write CLOUDFILES with region 'lon'")])
  expect(on('CLOUDFILES_US')).toEqual([expect.stringContaining("write CLOUDFILES with region 'ord'")])
  expect(on('CLOUDFILES_SWIFT')).toEqual([expect.stringContaining('write OPENSTACK_SWIFT')])
  for (const type of ['S3', 'S3_EU_WEST', 'CLOUDFILES', 'OPENSTACK_SWIFT', 'GOOGLE_STORAGE'])
    expect(on(type)).toEqual([])
})

it('says what is wrong with entries that have not been used yet', () => {
  expect(on('S3', { regoin: 'x' })).toEqual([expect.stringContaining("Invalid setting 'regoin'")])
  expect(on('S33')).toEqual([expect.stringContaining("there is no provider 'S33' (did you mean 'S3'?)")])
  expect(advice({ LIBCLOUD_PROVIDERS: { a: { ...entryOf('S3'), type: 'x.S3' } } })).toEqual([
    "LIBCLOUD_PROVIDERS['a']: Invalid module path",
  ])
})

it('says how DEFAULT_LIBCLOUD_PROVIDER is spelt, or that there is no such entry', () => {
  const LIBCLOUD_PROVIDERS = { amazon_1: entryOf('S3') }
  expect(advice({ LIBCLOUD_PROVIDERS, DEFAULT_LIBCLOUD_PROVIDER: 'amazon-1' })).toEqual([
    "DEFAULT_LIBCLOUD_PROVIDER: 'amazon-1' is taken for 'amazon_1'; spell it so.",
  ])
  expect(advice({ LIBCLOUD_PROVIDERS }, { DEFAULT_LIBCLOUD_PROVIDER: 'other' })).toEqual([
    'DEFAULT_LIBCLOUD_PROVIDER: LIBCLOUD_PROVIDERS other not defined or invalid',
  ])
  expect(advice({ LIBCLOUD_PROVIDERS, DEFAULT_LIBCLOUD_PROVIDER: 'amazon_1' })).toEqual([])
})

it('says nothing where nothing is set, and quotes nothing that is no JSON', () => {
  expect(advice({})).toEqual([])
  expect(advice({}, { LIBCLOUD_PROVIDERS: '{"a": {"key": "s3cret"' })).toEqual([])
  const secret = advice(
    {},
    { LIBCLOUD_PROVIDERS: JSON.stringify({ a: { type: `${MODULE}.S3`, key: 's3cret', x: 's3cret' } }) },
  )
  expect(secret.join()).not.toContain('s3cret')
})
