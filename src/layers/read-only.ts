import { StorageError } from '../core/errors.ts'
import type { Layer } from './layer.ts'

const CHANGES: ReadonlySet<string> = new Set([
  'write',
  'delete',
  'deleteMany',
  'copy',
  'move',
  'openHandle',
  'createContainer',
])

/** Refuses every change with code `permission_denied`, before anything is sent. */
export const readOnly: Layer = async (call, next, ctx) => {
  if (CHANGES.has(call.operation)) {
    throw new StorageError('permission_denied', `This storage is read-only: ${call.operation} is refused.`, {
      operation: call.operation,
      fileName: call.key,
      backend: call.backend,
    })
  }
  return next(ctx)
}
