/** Containers by `storage.driver`: odd answers and faults; `behaviours.test.ts` has what they do. */
import { afterAll, expect, test } from 'vitest'
import { without } from '../../faults/answers.ts'
import { describeContainerFaults } from '../../faults/containers.ts'
import { after, jsonLies, LIES, liesBut } from '../../faults/lies.ts'
import { startStrictSwift } from '../../servers/strict-swift.ts'
import { scriptedClient } from '../../support/scripted-client.ts'
import { at, storageWith } from './support.ts'

const server = await startStrictSwift()
afterAll(() => server.close())

describeContainerFaults({
  title: 'requests about containers of Swift',
  server,
  storage: maxAttempts => storageWith({ ...at(server), maxAttempts }),
  lookUp: name => server.container(name),
  steps: {
    create: { operation: 'container.put', lies: LIES },
    stat: {
      operation: 'container.head',
      lies: [...LIES, after('no count', truth => without(truth, 'x-container-object-count'))],
    },
    // An empty list is what an account without containers has.
    list: {
      operation: 'account.get',
      lies: jsonLies({ name: 'x' }, { error: 'no' }).filter(({ title }) => !title.startsWith('a list')),
    },
    delete: { operation: 'container.delete', lies: liesBut('no title begins so') },
  },
})

test('rows that are odd are left out one by one, and pages are gone through until one is empty', async () => {
  const rows = [null, {}, { name: 7 }, { name: 'a', count: -1, bytes: 'x' }, { name: 'b', count: 2, bytes: 3 }]
  const httpClient = scriptedClient(({ url }) => {
    const marker = new URL(url).searchParams.get('marker')
    const page = marker === null ? rows : marker === 'b' ? [{ name: 'c' }] : []
    const headers = { 'x-trans-id': 'tx1', 'content-type': 'application/json' }
    return { status: 200, headers, body: JSON.stringify(page) }
  })
  const files = storageWith({ token: 't', storageUrl: 'http://swift.test/v1/AUTH_a' }, { httpClient })
  expect(await files.driver.listContainers()).toEqual([
    { name: 'a', count: undefined, size: undefined },
    { name: 'b', count: 2, size: 3 },
    { name: 'c', count: undefined, size: undefined },
  ])
})
