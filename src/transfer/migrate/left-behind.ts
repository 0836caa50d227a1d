import type { LeftBehind, WantedAttributes } from '../../storage/carried-attributes.ts'
import type { AnyStorage } from '../../storage/storage.ts'

/**
 * Returns which attributes cannot go along, and the side that lacks them, as far as this is known without a request. An attribute that
 * neither side has is not named: nothing stays behind.
 */
export function leftBehind(source: AnyStorage, target: AnyStorage, wanted: WantedAttributes): readonly LeftBehind[] {
  const found: LeftBehind[] = []
  const compare = (attribute: LeftBehind['attribute'], atSource: boolean, atTarget: boolean): void => {
    if (atSource !== atTarget) found.push({ attribute, lackedBy: atSource ? 'target' : 'source' })
  }
  for (const attribute of ['contentType', 'cacheControl', 'metadata'] as const) {
    compare(attribute, source.supports('metadata'), target.supports('metadata'))
  }
  if (wanted.times) compare('modifiedAt', true, target.supports('setModifiedTime'))
  if (wanted.visibility) compare('visibility', source.supports('visibility'), target.supports('visibility'))
  return found
}
