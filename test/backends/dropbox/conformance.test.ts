import { afterAll, describe, it } from 'vitest'
import { driverConformance, registerConformance, storageConformance } from '../../../src/testing/index.ts'
import { startStrictDropbox } from '../../servers/strict-dropbox.ts'
import { at, driverFor, emptied, storageWith } from './support.ts'

const features = { ranges: true, exclusiveCreate: true, ifMatch: true, metadata: false, versions: true, listRange: false }
const methods = ['deleteMany', 'copy', 'move', 'address', 'createContainer'] as const

/** Pages are short, some of them empty, and a listing is in no order. */
const server = await startStrictDropbox({ pageSize: 7, emptyPages: 1, extraEntries: 1 })
const team = await startStrictDropbox({ account: 'team_space', batches: 'at once', afterFinish: 'not_found' })
afterAll(() => Promise.all([server.close(), team.close()]))

registerConformance(
  { describe, it },
  driverConformance({
    create: () => driverFor(server),
    destroy: emptied(server),
    limits: true,
    keeps: ['modifiedAt', 'etag'],
    expects: { features, methods },
  }),
  'DropboxDriver and a strict server',
)

registerConformance(
  { describe, it },
  driverConformance({
    create: () => driverFor(team, { teamRoot: true }),
    destroy: async driver => {
      await emptied(team)(driver)
      for (const node of [...team.space.root.children.values()]) if (node !== team.account.home) team.space.remove(node)
    },
    locations: [''],
    keeps: ['modifiedAt', 'etag'],
    expects: { features, methods },
  }),
  'DropboxDriver, the root of a team and a strict server',
)

registerConformance(
  { describe, it },
  storageConformance({ create: options => storageWith({ ...at(server), ...options }) }),
  'DropboxStorage and a strict server',
)
