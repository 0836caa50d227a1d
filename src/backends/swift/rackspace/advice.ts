import type { GivenSettings } from '../../../storage/types.ts'

/** Entries of django-cumulus' dictionary that are unnecessary or have moved, and the reason. */
const ENTRIES: ReadonlyMap<string, string> = new Map([
  ['CNAMES', 'set RACKSPACE_CDN_URI to the domain of the container'],
  ['FILE_TTL', 'files go by extra or objectParameters: { delete_after: seconds }'],
  ['HEADERS', 'set RACKSPACE_OBJECT_PARAMETERS'],
  ['GZIP_CONTENT_TYPES', 'set RACKSPACE_GZIP and RACKSPACE_GZIP_CONTENT_TYPES'],
  ['INCLUDE_LIST', 'it belongs to a command of django-cumulus'],
  ['EXCLUDE_LIST', 'it belongs to a command of django-cumulus'],
  ['STATIC_CONTAINER', "give the storage 'staticfiles' of STORAGES its own container in OPTIONS"],
  ['STATIC_CONTAINER_URI', "give the storage 'staticfiles' of STORAGES its own cdnUri in OPTIONS"],
  ['STATIC_CONTAINER_SSL_URI', "give the storage 'staticfiles' of STORAGES its own cdnUri in OPTIONS"],
])

/** Advice about settings of django-cumulus. */
export function rackspaceAdvice({ settings }: GivenSettings): string[] {
  const cumulus = settings['CUMULUS']
  if (typeof cumulus !== 'object' || cumulus === null) return []
  const given = cumulus as Readonly<Record<string, unknown>>
  const isEmpty = (value: unknown) =>
    value === undefined || value === null || (typeof value === 'object' && Object.keys(value).length === 0)
  const notes = Array.from(ENTRIES)
    .filter(([entry]) => !isEmpty(given[entry]))
    .map(([entry, why]) => `CUMULUS['${entry}']: it has no effect; ${why}.`)
  if (isEmpty(given['REGION'])) {
    notes.push(
      "CUMULUS['REGION']: without it the region is that of django-cumulus, DFW (LON in the UK); set RACKSPACE_REGION.",
    )
  }
  return notes
}
