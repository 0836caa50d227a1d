export { staticFilesFromSettings } from './settings.ts'
export type {
  CollectEvent,
  CollectOptions,
  CollectSummary,
  Finder,
  FinderOptions,
  IsIgnored,
  StaticFile,
  StaticHeaders,
} from './types.ts'
