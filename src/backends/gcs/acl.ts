import { StorageError } from '../../core/errors.ts'

/** Predefined ACLs: names of the JSON API and of the XML API. (https://cloud.google.com/storage/docs/access-control/lists#predefined-acl) */
const ACLS: ReadonlyMap<string, string> = new Map([
  ['authenticatedRead', 'authenticated-read'],
  ['bucketOwnerFullControl', 'bucket-owner-full-control'],
  ['bucketOwnerRead', 'bucket-owner-read'],
  ['private', 'private'],
  ['projectPrivate', 'project-private'],
  ['publicRead', 'public-read'],
  ['publicReadWrite', 'public-read-write'],
])

/** The JSON API's name of an ACL that is given by either name; `invalid_argument` for any other text. `what` is named in the error. */
export function aclName(given: string, what: string): string {
  for (const [json, xml] of ACLS) if (given === json || given === xml) return json
  throw new StorageError('invalid_argument', `${what}: expected one of ${[...ACLS.keys()].join(', ')}.`)
}

/** The XML API's name of an ACL. */
export function aclHeader(name: string): string {
  return ACLS.get(name) ?? name
}
