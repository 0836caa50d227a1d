import { parseMap } from '../../../core/setting-types.ts'
import type { GivenSettings } from '../../../storage/types.ts'
import { migrateBotoSettings } from './migration.ts'

/** Names of environment variables that may be settings of the boto backend. */
const BOTO_KEY = /^(AWS_|S3_USE_SIGV4$|STORAGES$|DEFAULT_FILE_STORAGE$|STATICFILES_STORAGE$)/

/** Advice about settings: old names of the boto backend, an endpoint that contains the bucket, a domain with a slash. */
export function s3Advice({ settings, env }: GivenSettings): string[] {
  const outside = Object.entries(env).filter(([key, value]) => value && BOTO_KEY.test(key))
  const found = Object.fromEntries(outside.map(([key, value]) => [key, fromEnvironment(value!)]))
  const all = { ...found, ...settings }
  const notes = migrateBotoSettings(all).notes.map(({ from, to, message }) =>
    to === null || to === from ? `${from}: ${message}` : `${from} -> ${to}: ${message}`,
  )
  return [...notes, ...bucketInEndpoint(all), ...slashAfterDomain(all)]
}

/** An endpoint that contains the bucket makes a folder with the bucket's name in it. This is rarely intended, and hidden by Holdall. */
function bucketInEndpoint({
  AWS_S3_ENDPOINT_URL: endpoint,
  AWS_STORAGE_BUCKET_NAME: bucket,
}: Readonly<Record<string, unknown>>): string[] {
  if (typeof endpoint !== 'string' || typeof bucket !== 'string' || bucket === '') return []
  const host = endpoint.replace(/^[a-z]+:\/\//i, '')
  if (!host.startsWith(`${bucket}.`) || !host.includes('.', bucket.length + 1)) return []
  return [`AWS_S3_ENDPOINT_URL: it begins with the bucket's name, which is added anyway: leave '${bucket}.' out.`]
}

/** The slash belongs to STATIC_URL, and is added anyway. (django-storages 1.7.1, `AWS_S3_CUSTOM_DOMAIN`) */
function slashAfterDomain({ AWS_S3_CUSTOM_DOMAIN: domain }: Readonly<Record<string, unknown>>): string[] {
  if (typeof domain !== 'string' || !domain.endsWith('/')) return []
  return ['AWS_S3_CUSTOM_DOMAIN: it is a host, and must not end in a slash as STATIC_URL does: leave the slash out.']
}

function fromEnvironment(value: string): unknown {
  try {
    return parseMap(value)
  } catch {
    return value
  }
}
