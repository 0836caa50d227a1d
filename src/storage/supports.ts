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
    case 'visibility':
      return driver.visibility !== undefined && driver.setVisibility !== undefined
    default:
      return features[feature] ?? false
  }
}
