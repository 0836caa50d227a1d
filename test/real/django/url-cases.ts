import { generateKeyPairSync } from 'node:crypto'
import { join } from 'node:path'
import type { Refused } from './place.ts'
import type { DjangoSettings } from './python.ts'

/** One URL, by the same settings and at the same moment. */
export interface UrlCase {
  readonly title: string
  readonly settings?: DjangoSettings
  /** A name full of signs unless given. */
  readonly name?: string
  readonly env?: Readonly<Record<string, string>>
  readonly parameters?: Readonly<Record<string, string | number>>
  readonly expire?: number
  readonly method?: 'PUT' | 'HEAD' | 'DELETE'
  /** Where the two differ on purpose: what each URL begins with, or how it is refused. */
  readonly differs?: { readonly why: string; readonly django: string | Refused; readonly holdall: string | Refused }
}

const DISPOSITION = { ResponseContentDisposition: 'attachment; filename="a b.txt"' }
const RESPONSE = {
  ...DISPOSITION,
  ResponseContentType: 'text/odd',
  ResponseCacheControl: 'no-cache',
  ResponseContentEncoding: 'identity',
  ResponseContentLanguage: 'de',
  ResponseExpires: 'Thu, 15 Apr 2010 20:00:00 GMT',
}

/** URLs of the running gateway, which it is then asked for; each by both signature versions. */
export const SERVER_URLS: readonly UrlCase[] = [
  { title: 'signs', name: "a b/+&=?#%~!*()'@:,;$.txt" },
  { title: 'signs that URLs forbid', name: '"<>[]^`{|}\t.txt' },
  { title: 'Unicode', name: 'ü/日本語/😀 e\u0301.css' },
  { title: 'what looks encoded', name: '%20/%C3%A9%2F+.txt' },
  { title: 'double slashes and backslashes', name: './a//b\\c.txt' },
  { title: 'a location', settings: { AWS_LOCATION: 'some place/ü+/' } },
  { title: 'path style', settings: { AWS_S3_ADDRESSING_STYLE: 'path' } },
  { title: 'a region', settings: { AWS_S3_REGION_NAME: 'eu-central-1' } },
  { title: 'AWS_QUERYSTRING_EXPIRE', settings: { AWS_QUERYSTRING_EXPIRE: 600 } },
  { title: 'expire', settings: { AWS_QUERYSTRING_EXPIRE: 600 }, expire: 77 },
  { title: 'ResponseContentDisposition', parameters: DISPOSITION },
  { title: 'every response parameter', parameters: RESPONSE },
  { title: 'HEAD', method: 'HEAD' },
  { title: 'PUT', method: 'PUT' },
  { title: 'DELETE', method: 'DELETE' },
]

const BOTO_STYLE =
  "botocore of that time put the bucket before the global host, whose redirect costs a request; we name the region's"
const V2 = { AWS_S3_SIGNATURE_VERSION: 's3' }
const V4 = { AWS_S3_SIGNATURE_VERSION: 's3v4' }

const AMAZON: readonly UrlCase[] = [
  { title: 'version 2', settings: V2 },
  { title: 'version 2, virtual', settings: { ...V2, AWS_S3_ADDRESSING_STYLE: 'virtual' } },
  { title: 'version 2, path', settings: { ...V2, AWS_S3_ADDRESSING_STYLE: 'path' } },
  { title: 'version 4', settings: V4 },
  { title: 'version 4, auto', settings: { ...V4, AWS_S3_ADDRESSING_STYLE: 'auto' } },
  { title: 'us-east-1', settings: { ...V4, AWS_S3_REGION_NAME: 'us-east-1', AWS_S3_ADDRESSING_STYLE: 'virtual' } },
  { title: 'a region, path', settings: { ...V4, AWS_S3_REGION_NAME: 'eu-west-1', AWS_S3_ADDRESSING_STYLE: 'path' } },
  { title: 'China', settings: { ...V4, AWS_S3_REGION_NAME: 'cn-north-1', AWS_S3_ADDRESSING_STYLE: 'virtual' } },
  { title: 'without SSL', settings: { ...V4, AWS_S3_USE_SSL: false } },
  {
    title: 'a dot in the bucket',
    settings: { ...V4, AWS_S3_REGION_NAME: 'eu-west-1', AWS_STORAGE_BUCKET_NAME: 'my.bkt' },
  },
  {
    title: 'a region',
    settings: { ...V4, AWS_S3_REGION_NAME: 'eu-west-1' },
    differs: {
      why: BOTO_STYLE,
      django: 'https://media.s3.amazonaws.com/',
      holdall: 'https://media.s3.eu-west-1.amazonaws.com/',
    },
  },
  {
    title: 'a region, virtual, unsigned',
    settings: { AWS_S3_REGION_NAME: 'eu-west-1', AWS_S3_ADDRESSING_STYLE: 'virtual', AWS_QUERYSTRING_AUTH: false },
    name: 'a.txt',
    differs: {
      why: BOTO_STYLE,
      django: 'https://media.s3.amazonaws.com/a.txt',
      holdall: 'https://media.s3.eu-west-1.amazonaws.com/a.txt',
    },
  },
  {
    title: 'no signature version',
    differs: {
      why: 'the SDK still presigns by version 2 in old regions; the manual says that s3v4 is the default',
      django: 'https://media.s3.amazonaws.com/%22a%22.txt?AWSAccessKeyId=',
      holdall: 'https://media.s3.amazonaws.com/%22a%22.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&',
    },
    name: '"a".txt',
  },
  {
    title: 'a longer life than version 4 has',
    settings: { ...V4, AWS_QUERYSTRING_EXPIRE: 604_801 },
    differs: {
      why: 'no server accepts it',
      django: 'https://media.s3.amazonaws.com/',
      holdall: { refused: 'improperly_configured' },
    },
  },
]

const PLACES: readonly UrlCase[] = [
  {
    title: 'Spaces',
    settings: { ...V4, AWS_S3_ENDPOINT_URL: 'https://nyc3.digitaloceanspaces.com', AWS_S3_REGION_NAME: 'nyc3' },
  },
  {
    title: 'Spaces, virtual',
    settings: {
      ...V4,
      AWS_S3_ENDPOINT_URL: 'https://nyc3.digitaloceanspaces.com',
      AWS_S3_REGION_NAME: 'nyc3',
      AWS_S3_ADDRESSING_STYLE: 'virtual',
    },
  },
  {
    title: "an endpoint of one's own, virtual",
    settings: { ...V2, AWS_S3_ENDPOINT_URL: 'http://s3.example.com:8080', AWS_S3_ADDRESSING_STYLE: 'virtual' },
  },
  { title: 'a path in the endpoint', settings: { ...V4, AWS_S3_ENDPOINT_URL: 'https://s3.example.com/sub/' } },
  {
    title: 'an endpoint without a scheme',
    settings: { ...V4, AWS_S3_ENDPOINT_URL: 'nyc3.digitaloceanspaces.com' },
    differs: {
      why: 'so the manual shows it (2.1), and upstream cannot read it',
      django: { refused: 'invalid_argument' },
      holdall: 'https://nyc3.digitaloceanspaces.com/media/',
    },
  },
  { title: 'unsigned', settings: { AWS_QUERYSTRING_AUTH: false } },
  { title: 'unsigned, path', settings: { AWS_QUERYSTRING_AUTH: false, AWS_S3_ADDRESSING_STYLE: 'path' } },
  { title: 'unsigned, version 2', settings: { ...V2, AWS_QUERYSTRING_AUTH: false, AWS_LOCATION: 'media' } },
  {
    title: 'unsigned with parameters',
    settings: { AWS_QUERYSTRING_AUTH: false },
    name: 'a.txt',
    parameters: DISPOSITION,
    differs: {
      why: 'upstream leaves the query decoded: no valid URL',
      django: 'https://media.s3.amazonaws.com/a.txt?response-content-disposition=attachment; filename="a b.txt"',
      holdall:
        'https://media.s3.amazonaws.com/a.txt?response-content-disposition=attachment%3B%20filename%3D%22a%20b.txt%22',
    },
  },
  {
    title: 'PUT, unsigned',
    settings: { ...V4, AWS_QUERYSTRING_AUTH: false },
    name: 'a.txt',
    method: 'PUT',
    differs: {
      why: 'the setting is about reading; an unsigned PUT is of no use',
      django: 'https://media.s3.amazonaws.com/a.txt',
      holdall: 'https://media.s3.amazonaws.com/a.txt?X-Amz-Algorithm=',
    },
  },
]

const DOMAIN = { AWS_S3_CUSTOM_DOMAIN: 'cdn.example.com' }
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const PKCS1 = privateKey.export({ type: 'pkcs1', format: 'pem' })
const PKCS8 = privateKey.export({ type: 'pkcs8', format: 'pem' })
/** The name full of signs but `*`, which ours writes as `%2A` in what CloudFront signs. */
const WITHOUT_STAR = "a b/é&+?#%~!()'@:,;$=.txt"
const CLOUDFRONT = { ...DOMAIN, AWS_CLOUDFRONT_KEY_ID: 'K2JCJMDEHXQW5F', AWS_CLOUDFRONT_KEY: PKCS1 }

const DOMAINS: readonly UrlCase[] = [
  { title: 'custom domain', settings: DOMAIN },
  { title: 'custom domain, parameters', settings: DOMAIN, parameters: { version: 10, q: 'a b/é+~*' } },
  { title: 'custom domain, http:', settings: { ...DOMAIN, AWS_S3_URL_PROTOCOL: 'http:' } },
  { title: 'custom domain, location', settings: { ...DOMAIN, AWS_LOCATION: 'some place' } },
  { title: 'custom domain, the location itself', settings: { ...DOMAIN, AWS_LOCATION: 'media' }, name: '' },
  { title: 'custom domain, the root', settings: DOMAIN, name: '' },
  { title: 'custom domain, a folder', settings: DOMAIN, name: 'path/1/' },
  { title: 'CloudFront', settings: CLOUDFRONT, name: WITHOUT_STAR },
  { title: 'CloudFront, PKCS 8', settings: { ...CLOUDFRONT, AWS_CLOUDFRONT_KEY: PKCS8 }, name: WITHOUT_STAR },
  {
    title: 'CloudFront, parameters and expire',
    settings: CLOUDFRONT,
    name: WITHOUT_STAR,
    parameters: { version: 10 },
    expire: 60,
  },
  {
    title: 'CloudFront, an asterisk',
    settings: CLOUDFRONT,
    name: 'a*.txt',
    differs: {
      why: "'*' in what CloudFront signs may stand for any characters, so ours writes it as %2A",
      django: 'https://cdn.example.com/a*.txt?Expires=',
      holdall: 'https://cdn.example.com/a%2A.txt?Expires=',
    },
  },
  { title: 'CloudFront, unsigned', settings: { ...CLOUDFRONT, AWS_QUERYSTRING_AUTH: false } },
  {
    title: 'half a CloudFront key',
    settings: { ...DOMAIN, AWS_CLOUDFRONT_KEY_ID: 'K2JCJMDEHXQW5F' },
    differs: {
      why: 'ours names the options too',
      django: {
        refused: 'improperly_configured',
        message: 'Both AWS_CLOUDFRONT_KEY_ID and AWS_CLOUDFRONT_KEY must be provided together.',
      },
      holdall: {
        refused: 'improperly_configured',
        message:
          'Both AWS_CLOUDFRONT_KEY_ID/cloudfront_key_id and AWS_CLOUDFRONT_KEY/cloudfront_key must be provided together.',
      },
    },
  },
  {
    title: 'PUT on a custom domain',
    settings: { ...V4, ...DOMAIN },
    name: 'a.txt',
    method: 'PUT',
    differs: {
      why: 'uploads go to the service, not to the CDN',
      django: 'https://cdn.example.com/a.txt',
      holdall: 'https://media.s3.amazonaws.com/a.txt?X-Amz-Algorithm=',
    },
  },
]

const NONE = { AWS_ACCESS_KEY_ID: null, AWS_SECRET_ACCESS_KEY: null }
const S3_KEYS = { AWS_S3_ACCESS_KEY_ID: 'FIRST', AWS_S3_SECRET_ACCESS_KEY: 'first' }
const KEYS = { AWS_ACCESS_KEY_ID: 'SECOND', AWS_SECRET_ACCESS_KEY: 'second' }

const PROFILES = { AWS_SHARED_CREDENTIALS_FILE: join(import.meta.dirname, 'credentials.ini') }

const CREDENTIALS: readonly UrlCase[] = [
  { title: 'AWS_S3_ACCESS_KEY_ID before AWS_ACCESS_KEY_ID', settings: { ...V2, ...S3_KEYS, ...KEYS } },
  { title: 'the settings before the environment', settings: { ...V2, ...KEYS }, env: S3_KEYS },
  { title: 'AWS_S3_ACCESS_KEY_ID of the environment', settings: { ...V2, ...NONE }, env: { ...S3_KEYS, ...KEYS } },
  { title: 'AWS_ACCESS_KEY_ID of the environment', settings: { ...V2, ...NONE }, env: KEYS },
  {
    title: 'AWS_SESSION_TOKEN beside them',
    settings: { ...V4, ...NONE },
    env: { ...KEYS, AWS_SESSION_TOKEN: 'to/k+en==' },
  },
  {
    title: 'AWS_SECURITY_TOKEN beside them',
    settings: { ...V2, ...NONE },
    env: { ...KEYS, AWS_SECURITY_TOKEN: 'to/k+en==' },
  },
  { title: 'a profile', settings: { ...V2, ...NONE, AWS_S3_SESSION_PROFILE: 'work' }, env: PROFILES },
  {
    title: 'a profile before the environment',
    settings: { ...V2, ...NONE, AWS_S3_SESSION_PROFILE: 'work' },
    env: { ...KEYS, ...PROFILES },
  },
  {
    title: 'a token of the environment beside keys of the settings',
    settings: { ...V2, ...KEYS },
    name: 'a.txt',
    env: { AWS_SESSION_TOKEN: 'token' },
    differs: {
      why: 'it belongs to other keys, and makes every request fail',
      django:
        'https://media.s3.amazonaws.com/a.txt?AWSAccessKeyId=SECOND&Signature=vMNV7SzPONrXO8VnmaKj1rtTe40%3D&x-amz-security-token=token&',
      holdall:
        'https://media.s3.amazonaws.com/a.txt?AWSAccessKeyId=SECOND&Signature=OPQ4p0P%2BEgxLwB9xOLYZUMZlZPw%3D&Expires=',
    },
  },
]

const NAMES: readonly UrlCase[] = [
  { title: 'a folder, unsigned', settings: { ...V2, AWS_QUERYSTRING_AUTH: false }, name: 'dir/' },
  { title: 'an absolute name without a location', settings: V2, name: '/x' },
  { title: 'an absolute name', settings: { ...V2, AWS_LOCATION: 'loc' }, name: '/x' },
  { title: 'a path upwards', settings: { ...V2, AWS_LOCATION: 'loc' }, name: '../x' },
  { title: 'a path back into the location', settings: { ...V2, AWS_LOCATION: 'loc' }, name: '../loc/x' },
  {
    title: 'a path upwards without a location',
    settings: V2,
    name: '../x',
    differs: {
      why: 'upstream takes it for x',
      django: 'https://media.s3.amazonaws.com/x?AWSAccessKeyId=',
      holdall: { refused: 'suspicious_name', message: "Attempted access to '../x' denied." },
    },
  },
  { title: 'an unknown parameter', settings: V2, parameters: { Odd: 'x' } },
  { title: 'a version', settings: V2, parameters: { VersionId: 'v/1' } },
  { title: 'a part', settings: V4, parameters: { PartNumber: 2 } },
]

/** URLs for which nothing is asked of the network. */
export const PLAIN_URLS: readonly UrlCase[] = [...AMAZON, ...PLACES, ...DOMAINS, ...CREDENTIALS, ...NAMES]
