/** The one way in which an object comes to be: permission, checksums, conditions, ACL, rate, and then the bytes. */
import { isAllowed, need, ownerOf } from './access.ts'
import { checkAclAllowed } from './acl.ts'
import { type Expected, verifyBytes } from './checksums.ts'
import type { OperationContext } from './context.ts'
import { tooManyChanges } from './errors.ts'
import { checkObjectName } from './names.ts'
import { checkPreconditions, type Preconditions } from './preconditions.ts'
import { type SettingsChange, settingsOf } from './settings.ts'
import type { AclEntry, Bucket, StoredObject } from './store.ts'

/** What is to be stored. */
export interface ObjectWrite {
  readonly name: string
  readonly change: SettingsChange
  /** Undefined where none was asked for. */
  readonly acl: readonly AclEntry[] | undefined
  readonly conditions: Preconditions
  readonly componentCount?: number | undefined
}

/** 429 where one object is changed again too soon. */
export function checkRate(context: OperationContext, bucket: Bucket, name: string): void {
  const { options } = context.state
  const last = bucket.objects.get(name)?.at(-1)
  if (options.objectChangeMs === undefined || last === undefined) return
  if (context.state.now() - last.updated < options.objectChangeMs) throw tooManyChanges(bucket.name, name)
}

/** All that can be checked before the bytes are there; returns the settings. */
export function checkWrite(
  context: OperationContext,
  bucket: Bucket,
  write: ObjectWrite,
): ReturnType<typeof settingsOf> {
  checkObjectName(write.name)
  need(context, 'objects.create', bucket)
  const live = bucket.live(write.name)
  if (live !== undefined && !isAllowed(context, 'objects.delete', bucket)) need(context, 'objects.delete', bucket)
  if (write.acl !== undefined) {
    checkAclAllowed(bucket, write.acl)
    if (context.identity.account !== undefined && !isAllowed(context, 'objects.setIamPolicy', bucket)) {
      need(context, 'objects.setIamPolicy', bucket)
    }
  }
  const settings = settingsOf(write.change, bucket.storageClass, write.acl ?? defaultAcl(context, bucket))
  checkPreconditions(write.conditions, live)
  return settings
}

/** Stores an object; throws with nothing stored. */
export function storeObject(
  context: OperationContext,
  bucket: Bucket,
  bytes: Buffer,
  write: ObjectWrite,
  ...expected: readonly Expected[]
): StoredObject {
  const settings = checkWrite(context, bucket, write)
  verifyBytes(bytes, ...expected)
  checkRate(context, bucket, write.name)
  const more = { now: context.state.now(), owner: ownerOf(context), componentCount: write.componentCount }
  return bucket.put(write.name, Buffer.from(bytes), settings, more)
}

function defaultAcl(context: OperationContext, bucket: Bucket): readonly AclEntry[] {
  if (bucket.uniform) return []
  return [{ entity: `user-${ownerOf(context)}`, role: 'OWNER' }, ...bucket.defaultObjectAcl]
}
