import { expect, test } from 'vitest'
import type { AddressOptions } from '../../../src/backends/s3/addressing.ts'
import { bucketAddress, signingRegion } from '../../../src/backends/s3/addressing.ts'
import { encodeKey } from '../../../src/remote/sign/encode.ts'

function urlOf(options: Partial<AddressOptions>, key = 'a b.txt'): string {
  const { origin, host, pathPrefix } = bucketAddress({ bucketName: 'bkt-x', ...options })
  expect(new URL(origin).host).toBe(host)
  return `${origin}${pathPrefix}/${encodeKey(key)}`
}

test.each<[string | null, AddressOptions['addressingStyle'], string]>([
  [null, null, 'https://bkt-x.s3.amazonaws.com/a%20b.txt'],
  [null, 'virtual', 'https://bkt-x.s3.amazonaws.com/a%20b.txt'],
  [null, 'path', 'https://s3.amazonaws.com/bkt-x/a%20b.txt'],
  ['us-east-1', null, 'https://bkt-x.s3.amazonaws.com/a%20b.txt'],
  ['us-east-1', 'auto', 'https://bkt-x.s3.amazonaws.com/a%20b.txt'],
  ['us-east-1', 'virtual', 'https://bkt-x.s3.amazonaws.com/a%20b.txt'],
  ['us-east-1', 'path', 'https://s3.amazonaws.com/bkt-x/a%20b.txt'],
  ['aws-global', null, 'https://bkt-x.s3.amazonaws.com/a%20b.txt'],
  ['eu-west-1', null, 'https://bkt-x.s3.eu-west-1.amazonaws.com/a%20b.txt'],
  ['eu-west-1', 'auto', 'https://bkt-x.s3.eu-west-1.amazonaws.com/a%20b.txt'],
  ['eu-west-1', 'virtual', 'https://bkt-x.s3.eu-west-1.amazonaws.com/a%20b.txt'],
  ['eu-west-1', 'path', 'https://s3.eu-west-1.amazonaws.com/bkt-x/a%20b.txt'],
  ['eu-central-1', null, 'https://bkt-x.s3.eu-central-1.amazonaws.com/a%20b.txt'],
  ['cn-north-1', null, 'https://bkt-x.s3.cn-north-1.amazonaws.com.cn/a%20b.txt'],
  ['cn-northwest-1', 'path', 'https://s3.cn-northwest-1.amazonaws.com.cn/bkt-x/a%20b.txt'],
  ['us-gov-west-1', null, 'https://bkt-x.s3.us-gov-west-1.amazonaws.com/a%20b.txt'],
  ['us-iso-east-1', 'path', 'https://s3.us-iso-east-1.c2s.ic.gov/bkt-x/a%20b.txt'],
  ['us-isob-east-1', null, 'https://bkt-x.s3.us-isob-east-1.sc2s.sgov.gov/a%20b.txt'],
  ['us-isof-south-1', null, 'https://bkt-x.s3.us-isof-south-1.csp.hci.ic.gov/a%20b.txt'],
  ['eu-isoe-west-1', null, 'https://bkt-x.s3.eu-isoe-west-1.cloud.adc-e.uk/a%20b.txt'],
  ['eusc-de-east-1', null, 'https://bkt-x.s3.eusc-de-east-1.amazonaws.eu/a%20b.txt'],
])('region %s, style %s', (regionName, addressingStyle, url) => {
  expect(urlOf({ regionName, addressingStyle })).toBe(url)
  expect(urlOf({ regionName, addressingStyle, useSsl: false })).toBe(url.replace('https:', 'http:'))
})

test.each<[string, AddressOptions['addressingStyle'], string]>([
  ['https://nyc3.digitaloceanspaces.com', null, 'https://nyc3.digitaloceanspaces.com/bkt-x/k'],
  ['https://nyc3.digitaloceanspaces.com', 'auto', 'https://nyc3.digitaloceanspaces.com/bkt-x/k'],
  ['https://nyc3.digitaloceanspaces.com/', 'path', 'https://nyc3.digitaloceanspaces.com/bkt-x/k'],
  ['https://nyc3.digitaloceanspaces.com', 'virtual', 'https://bkt-x.nyc3.digitaloceanspaces.com/k'],
  ['nyc3.digitaloceanspaces.com', null, 'https://nyc3.digitaloceanspaces.com/bkt-x/k'],
  ['nyc3.digitaloceanspaces.com', 'virtual', 'https://bkt-x.nyc3.digitaloceanspaces.com/k'],
  ['localhost:9000', null, 'https://localhost:9000/bkt-x/k'],
  ['http://localhost:9000', 'virtual', 'http://bkt-x.localhost:9000/k'],
  ['http://127.0.0.1:9000/base/s3//', null, 'http://127.0.0.1:9000/base/s3/bkt-x/k'],
  ['http://127.0.0.1:9000', 'virtual', 'http://127.0.0.1:9000/bkt-x/k'],
  ['http://[::1]:9000', 'virtual', 'http://[::1]:9000/bkt-x/k'],
  ['https://s3.example.com:443/x', 'virtual', 'https://bkt-x.s3.example.com/x/k'],
  ['HTTPS://S3.Example.com', 'path', 'https://s3.example.com/bkt-x/k'],
])('endpoint %s, style %s', (endpointUrl, addressingStyle, url) => {
  expect(urlOf({ endpointUrl, addressingStyle, regionName: 'eu-west-1' }, 'k')).toBe(url)
})

test('without a scheme useSsl decides, with one it does not', () => {
  expect(urlOf({ endpointUrl: 'localhost:9000', useSsl: false }, 'k')).toBe('http://localhost:9000/bkt-x/k')
  expect(urlOf({ endpointUrl: 'https://localhost:9000', useSsl: false }, 'k')).toBe('https://localhost:9000/bkt-x/k')
  expect(urlOf({ endpointUrl: '', useSsl: true }, 'k')).toBe('https://bkt-x.s3.amazonaws.com/k')
})

test.each<[string, AddressOptions['addressingStyle']]>([
  ['my.bkt', null],
  ['my.bkt', 'virtual'],
  ['UPPER', null],
  ['a_b', 'virtual'],
  ['ab', null],
  ['1.2.3.4', null],
  ['-abc', null],
  ['a'.repeat(64), null],
])('bucket %s in style %s stays in the path', (bucketName, addressingStyle) => {
  const regionName = 'eu-west-1'
  expect(urlOf({ bucketName, addressingStyle, regionName }, 'k')).toBe(
    `https://s3.eu-west-1.amazonaws.com/${bucketName}/k`,
  )
  expect(bucketAddress({ bucketName, addressingStyle, regionName }).bucketInPath).toBe(true)
})

test('a dotted bucket may be in the host of a plain http endpoint', () => {
  const options = { bucketName: 'my.bkt', addressingStyle: 'virtual' } as const
  expect(urlOf({ ...options, endpointUrl: 'http://localhost:9000' }, 'k')).toBe('http://my.bkt.localhost:9000/k')
  expect(urlOf({ ...options, endpointUrl: 'https://s3.example.com' }, 'k')).toBe('https://s3.example.com/my.bkt/k')
})

test('the resource of version 2 begins with the bucket wherever that is', () => {
  expect(bucketAddress({ bucketName: 'bkt-x' })).toEqual({
    origin: 'https://bkt-x.s3.amazonaws.com',
    host: 'bkt-x.s3.amazonaws.com',
    pathPrefix: '',
    bucketInPath: false,
    resourcePrefix: '/bkt-x',
  })
  expect(bucketAddress({ bucketName: 'tenant:bkt', endpointUrl: 'http://127.0.0.1:80' })).toEqual({
    origin: 'http://127.0.0.1',
    host: '127.0.0.1',
    pathPrefix: '/tenant%3Abkt',
    bucketInPath: true,
    resourcePrefix: '/tenant%3Abkt',
  })
})

test.each<[Partial<AddressOptions>, string]>([
  [{ bucketName: '' }, 'AWS_STORAGE_BUCKET_NAME'],
  [{ bucketName: 'a/b' }, 'AWS_STORAGE_BUCKET_NAME'],
  [{ bucketName: '..' }, 'AWS_STORAGE_BUCKET_NAME'],
  [{ bucketName: 'a?b' }, 'AWS_STORAGE_BUCKET_NAME'],
  [{ regionName: 'evil.example/' }, 'AWS_S3_REGION_NAME'],
  [{ regionName: 'eu-west-1@evil' }, 'AWS_S3_REGION_NAME'],
  [{ endpointUrl: 'ftp://example.com' }, 'AWS_S3_ENDPOINT_URL'],
  [{ endpointUrl: 'https://' }, 'AWS_S3_ENDPOINT_URL'],
  [{ endpointUrl: 'https://user:pw-secret@example.com' }, 'AWS_S3_ENDPOINT_URL'],
  [{ endpointUrl: 'https://example.com/?x=1' }, 'AWS_S3_ENDPOINT_URL'],
])('%j is refused by name', (options, setting) => {
  const refused = { code: 'improperly_configured', message: expect.stringMatching(setting) }
  expect(() => urlOf(options)).toThrow(expect.objectContaining(refused))
  expect(() => urlOf(options)).not.toThrow('pw-secret')
})

test('requests are signed for us-east-1 where no region is given', () => {
  expect([null, undefined, '', 'aws-global', 'eu-west-1'].map(signingRegion)).toEqual([
    'us-east-1',
    'us-east-1',
    'us-east-1',
    'us-east-1',
    'eu-west-1',
  ])
})
