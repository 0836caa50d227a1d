export { StaticFilesStorage } from '../backends/local/index.ts'
export { backendNames, declaredSettings, registerBackend, resolveBackend, type StorageClass } from './backends.ts'
export {
  type ConfigureOptions,
  configure,
  defineConfig,
  type HoldallSettings,
  overrideSettings,
  type StorageConfig,
  storageConfigs,
} from './configure.ts'
export { findConfig, type LoadedConfig, type LoadOptions, loadAndConfigure, loadConfig } from './load.ts'
export type {
  StaticCompressSetting,
  StaticHeadersSetting,
  StaticManifestSetting,
  StaticSettings,
  StaticSource,
} from './static-settings.ts'
export {
  defaultStorage,
  lazyStorage,
  resetStorages,
  type StorageAliases,
  type StorageBlueprint,
  StorageHandler,
  type Storages,
  staticfilesStorage,
  storages,
} from './storages.ts'
