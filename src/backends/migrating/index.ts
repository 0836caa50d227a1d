export type { LateCopyCounts } from './late-copies.ts'
export {
  type MigratingOptions,
  migratingSettings,
  type ReadSides,
  type SideOption,
  type WriteSides,
} from './settings.ts'
export { MigratingStorage } from './storage.ts'
