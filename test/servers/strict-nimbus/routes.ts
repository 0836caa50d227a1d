/** The operations by their names. */
import * as archive from './archive.ts'
import * as collections from './collections.ts'
import type { NimbusContext, StrictAnswer } from './context.ts'
import * as listing from './listing.ts'
import * as retrieve from './retrieve.ts'

const operations: Readonly<Record<string, (context: NimbusContext) => StrictAnswer>> = {
  ListCollections: collections.listCollections,
  CreateCollection: collections.createCollection,
  GetCollection: collections.getCollection,
  SpaceUsage: collections.spaceUsage,
  SetVersioning: collections.setVersioning,
  SetAccessControl: collections.setAccessControl,
  UnknownAttribute: collections.unknownAttribute,
  DeleteCollection: collections.deleteCollection,
  ListKeys: listing.listKeys,
  ListVersions: listing.listVersions,
  ListConjoined: listing.listConjoined,
  ArchiveKey: archive.archiveKey,
  StartConjoined: archive.startConjoined,
  FinishConjoined: archive.finishConjoined,
  AbortConjoined: archive.abortConjoined,
  RetrieveKey: retrieve.retrieveKey,
  RetrieveMeta: retrieve.retrieveMeta,
  HeadKey: retrieve.headKey,
  DeleteKey: retrieve.deleteKey,
}

/** Runs an operation of a form that was found. */
export function runOperation(name: string, context: NimbusContext): StrictAnswer {
  return operations[name]!(context)
}
