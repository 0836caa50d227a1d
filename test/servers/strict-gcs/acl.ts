/** Predefined ACLs by their JSON and XML names, and ACL entries of requests. */
import { GcsError, invalid } from './errors.ts'
import type { AclEntry, Bucket } from './store.ts'

/** XML names of the predefined ACLs by their JSON names. */
export const predefinedAcls: Readonly<Record<string, string>> = {
  private: 'private',
  publicRead: 'public-read',
  publicReadWrite: 'public-read-write',
  authenticatedRead: 'authenticated-read',
  bucketOwnerRead: 'bucket-owner-read',
  bucketOwnerFullControl: 'bucket-owner-full-control',
  projectPrivate: 'project-private',
}

const projectEntries: readonly AclEntry[] = [
  { entity: 'project-owners-1', role: 'OWNER' },
  { entity: 'project-editors-1', role: 'OWNER' },
  { entity: 'project-viewers-1', role: 'READER' },
]

/** The entries of a predefined ACL; `name` is the JSON name. 400 for an unknown one. */
export function predefined(name: string, owner: string, kind: 'object' | 'bucket'): AclEntry[] {
  const own: AclEntry = { entity: `user-${owner}`, role: 'OWNER' }
  switch (name) {
    case 'private':
      return [own]
    case 'publicRead':
      return [own, { entity: 'allUsers', role: 'READER' }]
    case 'authenticatedRead':
      return [own, { entity: 'allAuthenticatedUsers', role: 'READER' }]
    case 'projectPrivate':
      return [own, ...projectEntries]
    case 'bucketOwnerRead':
      if (kind === 'object') return [own, { entity: 'project-owners-1', role: 'READER' }]
      break
    case 'bucketOwnerFullControl':
      if (kind === 'object') return [own, { entity: 'project-owners-1', role: 'OWNER' }]
      break
    case 'publicReadWrite':
      if (kind === 'bucket') return [own, { entity: 'allUsers', role: 'WRITER' }]
      break
  }
  throw invalid(`Invalid value '${name}' for a predefined ACL.`, kind === 'object' ? 'predefinedAcl' : 'predefinedAcl')
}

/** As `predefined`, by the XML API's name. */
export function predefinedXml(header: string, owner: string, kind: 'object' | 'bucket'): AclEntry[] {
  const found = Object.entries(predefinedAcls).find(([, xml]) => xml === header)
  if (found !== undefined) return predefined(found[0], owner, kind)
  throw new GcsError(400, 'invalid', 'Invalid argument.', { Details: `Invalid predefined ACL ${header}` })
}

/** The entries that a JSON resource names. */
export function readAcl(value: unknown): AclEntry[] {
  if (!Array.isArray(value)) throw invalid('Invalid value for: acl')
  return value.map(one => readAclEntry(one as Record<string, unknown>))
}

/** One entry of a JSON resource. */
export function readAclEntry(value: Readonly<Record<string, unknown>>): AclEntry {
  const { entity, role } = value
  const fits =
    typeof entity === 'string' && /^(allUsers|allAuthenticatedUsers|(user|group|domain|project)-.+)$/.test(entity)
  if (!fits) throw invalid(`Invalid argument: unknown ACL entity ${String(entity)}`)
  if (role !== 'OWNER' && role !== 'READER' && role !== 'WRITER') throw invalid(`Invalid ACL role: ${String(role)}`)
  return { entity, role }
}

/** 400 on a bucket with uniform bucket-level access, 412 for a public ACL where that is prevented. */
export function checkAclAllowed(bucket: Bucket, entries: readonly AclEntry[] | undefined): void {
  if (bucket.uniform) {
    const message =
      'Cannot insert legacy ACL for an object when uniform bucket-level access is enabled. ' +
      'Read more at https://cloud.google.com/storage/docs/uniform-bucket-level-access'
    throw new GcsError(400, 'invalid', message)
  }
  if (!bucket.preventPublic || !entries?.some(one => one.entity.startsWith('all'))) return
  const message =
    'The member bindings allUsers and allAuthenticatedUsers are not allowed since public access prevention is enforced.'
  throw new GcsError(412, 'conditionNotMet', message)
}
