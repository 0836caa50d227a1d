export { compare } from './compare.ts'
export { sync } from './sync.ts'
export type {
  Basis,
  Compared,
  CompareEvent,
  CompareOptions,
  CompareReport,
  HeldBack,
  PlacesOptions,
  SyncEvent,
  SyncOptions,
  SyncProgress,
  SyncReport,
} from './types.ts'
