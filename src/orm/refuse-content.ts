import type { FileField } from '../fields/file-field.ts'
import type { FileModel } from '../fields/model.ts'

/**
 * Rejects content, with `invalid_argument`, in arguments that an adapter does not store: documents, updates with operators (`$set`,
 * `$push`), and arrays of them, where an attribute of the model is at the first level.
 */
export function refuseContent(given: unknown, model: FileModel, field?: FileField): void {
  if (field?.isContent(given)) field.encode(given)
  if (!Array.isArray(given) && Object.getPrototypeOf(given ?? 0) !== Object.prototype) return
  for (const [key, value] of Object.entries(given as object)) {
    const at = field ?? model.fields[key]
    if (at !== undefined || Array.isArray(given) || key.startsWith('$')) refuseContent(value, model, at)
  }
}
