import { backendNames, declaredSettings, resolveBackend } from '../config/backends.ts'
import { hint, nearest } from '../core/nearest.ts'
import { parseMap } from '../core/setting-types.ts'

/** Settings of django-storages' backends by their beginnings. */
const STORAGE_KEY = /^(AWS|AZURE|DROPBOX|FTP|GS|LIBCLOUD|SFTP)_/
/** What of an environment may be settings of the boto backend. */
const BOTO_KEY = /^(AWS_|S3_USE_SIGV4$|STORAGES$|DEFAULT_FILE_STORAGE$|STATICFILES_STORAGE$)/

/** What settings should rather say: those of the boto backend, also in the environment, and those that nothing reads. */
export async function settingsAdvice(
  settings: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string[]> {
  const { migrateBotoSettings } = await import('../backends/s3/index.ts')
  const outside = Object.entries(env).filter(([key, value]) => value && BOTO_KEY.test(key))
  const found = Object.fromEntries(outside.map(([key, value]) => [key, fromEnvironment(value!)]))
  const advice = migrateBotoSettings({ ...found, ...settings }).notes.map(({ from, to, message }) =>
    to === null || to === from ? `${from}: ${message}` : `${from} -> ${to}: ${message}`,
  )
  const read = new Set(
    backendNames().flatMap(name => Object.values(declaredSettings(resolveBackend(name))).flatMap(({ keys }) => keys)),
  )
  const now = migrateBotoSettings(settings).settings
  const unread = Object.keys(now).filter(key => STORAGE_KEY.test(key) && !read.has(key))
  const doubled = bucketInEndpoint({ ...found, ...settings })
  return [
    ...advice,
    ...doubled,
    ...unread.map(key => `${key}: no backend reads this setting.${hint(nearest(key, read))}`),
  ]
}

/** An endpoint that names the bucket as well makes a folder of that name in it: seldom meant, and never seen by who looks through Holdall. */
function bucketInEndpoint({
  AWS_S3_ENDPOINT_URL: endpoint,
  AWS_STORAGE_BUCKET_NAME: bucket,
}: Readonly<Record<string, unknown>>): string[] {
  if (typeof endpoint !== 'string' || typeof bucket !== 'string' || bucket === '') return []
  const host = endpoint.replace(/^[a-z]+:\/\//i, '')
  if (!host.startsWith(`${bucket}.`) || !host.includes('.', bucket.length + 1)) return []
  return [`AWS_S3_ENDPOINT_URL: it begins with the bucket's name, which is added anyway: leave '${bucket}.' out.`]
}

function fromEnvironment(value: string): unknown {
  try {
    return parseMap(value)
  } catch {
    return value
  }
}
