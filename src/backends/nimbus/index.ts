export { NimbusDriver, type NimbusDriverOptions } from './driver.ts'
export { type NimbusOptions, nimbusSettings } from './settings.ts'
export type { NimbusKey } from './sign.ts'
export { NimbusStorage, type NimbusVersion } from './storage.ts'
