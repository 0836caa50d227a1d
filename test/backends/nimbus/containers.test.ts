/** Requests about collections that go wrong. */
import { afterAll } from 'vitest'
import { changedFields, insteadJson, lackingFields } from '../../faults/answers.ts'
import { describeContainerFaults } from '../../faults/containers.ts'
import { after, jsonLies, LIES } from '../../faults/lies.ts'
import { startStrictNimbus } from '../../servers/strict-nimbus.ts'
import { at, storageWith } from './support.ts'

const server = await startStrictNimbus()
afterAll(() => server.close())

const DOCUMENTS = jsonLies({ other: 1 }, { success: false, error_message: 'Try again.' })
const OTHER = after(
  'another collection',
  changedFields(fields => ({ ...fields, name: 'another' })),
)

describeContainerFaults({
  title: 'collections of Nimbus.io',
  server,
  storage: maxAttempts => storageWith({ ...at(server), maxAttempts }),
  lookUp: name => server.collection(name),
  steps: {
    create: { operation: 'CreateCollection', lies: [...DOCUMENTS, after('no name', lackingFields('name')), OTHER] },
    stat: { operation: 'GetCollection', lies: [...DOCUMENTS, after('no name', lackingFields('name')), OTHER] },
    list: {
      operation: 'ListCollections',
      lies: [
        ...LIES,
        after('an object', insteadJson({ success: true })),
        after('rows without names', insteadJson([[], {}])),
      ],
    },
    delete: { operation: 'DeleteCollection', lies: [...DOCUMENTS, after('no success', lackingFields('success'))] },
  },
})
