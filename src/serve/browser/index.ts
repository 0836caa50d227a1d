export { createStorageBrowser, type StorageBrowserOptions } from './browser.ts'
export type { BrowsedStorage } from './place.ts'
