import { StorageError } from '../core/errors.ts'
import type { Call, Layer } from './layer.ts'

const CHANGES: ReadonlySet<string> = new Set([
  'write',
  'delete',
  'deleteMany',
  'copy',
  'move',
  'openHandle',
  'createContainer',
  'deleteContainer',
])

/** Rejects every change with code `permission_denied`, before anything is sent. */
export const readOnly: Layer = async (call, next, ctx) => {
  if (CHANGES.has(call.operation)) throw readOnlyError(call)
  return next(ctx)
}

/** Returns the error for a change to a read-only storage. */
export function readOnlyError({
  operation,
  fileName,
  containerName,
  backend,
}: Pick<Call, 'operation' | 'fileName' | 'containerName' | 'backend'>): StorageError {
  return new StorageError('permission_denied', `This storage is read-only: ${operation} is not allowed.`, {
    operation,
    fileName,
    containerName,
    backend,
  })
}
