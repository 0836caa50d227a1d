import type { Driver, Features } from '../core/driver.ts'
import type { Feature } from './types.ts'

/** Whether a driver has the method that a feature needs, or declares the feature; see `Storage#supports`. */
export function supportsFeature(driver: Driver, features: Features, feature: Feature): boolean {
  switch (feature) {
    case 'containers':
    case 'copy':
    case 'move':
    case 'createContainer':
    case 'uploadTarget':
      return driver[feature] !== undefined
    case 'path':
      return driver.localPath !== undefined
    case 'publicUrl':
      return driver.publicUrl !== undefined
    case 'signedUrl':
      return driver.signUrl !== undefined
    case 'resumableUploads':
      return driver.resumable !== undefined
    case 'setModifiedTime':
      return driver.setModifiedAt !== undefined
    case 'visibility':
      return driver.visibility !== undefined && driver.setVisibility !== undefined
    default:
      return features[feature] ?? false
  }
}

/** What a copy within the storage means there, as `holdall check` shows it; undefined where the files are on this machine. */
export function copyNote(driver: Driver, features: Features): string | undefined {
  if (driver.localPath !== undefined || driver.name === 'memory') return undefined
  if (driver.copy === undefined || features.rereads === 'always') return 'files are read and sent again by this machine'
  if (features.rereads === 'maybe')
    return 'by the server where it can copy, else files are read and sent again by this machine'
  const { exclusiveCreate, checkedCopy = false, rereads } = features
  if (rereads === 'small' && (exclusiveCreate || checkedCopy)) {
    return 'by the service; without overwriting, small files are read and sent again by this machine'
  }
  return exclusiveCreate
    ? 'by the service, also without overwriting'
    : 'by the service; without overwriting, the name is asked for first'
}
