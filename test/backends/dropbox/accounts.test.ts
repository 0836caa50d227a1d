/** Files of two accounts, and of one account by two tokens. */
import { afterAll, expect, test } from 'vitest'
import { NodeClient } from '../../../src/http/node-client.ts'
import type { HttpClient } from '../../../src/http/request.ts'
import { startStrictDropbox } from '../../servers/strict-dropbox.ts'
import { at, storageWith } from './support.ts'

const ann = await startStrictDropbox()
const bob = await startStrictDropbox({ accountId: 'dbid:bob' })
afterAll(() => Promise.all([ann.close(), bob.close()]))

/** Bob's Dropbox at the address of Ann's: the service has one address for all accounts. */
function bobs(): HttpClient {
  const inner = new NodeClient()
  return {
    request: (request, ctx) => inner.request({ ...request, url: request.url.replace(ann.url, bob.url) }, ctx),
    close: () => inner.close(),
  }
}

test('files go from one account to the same path of another one', async () => {
  ann.clear()
  await using from = storageWith(at(ann))
  await using to = storageWith({ ...at(ann), oauth2AccessToken: bob.token() }, { httpClient: bobs() })
  for (const name of ['a/1', 'a/2', 'b/3']) await from.save(name, name)
  expect(await from.copyAll('a', 'a', { storage: to })).toEqual({ copied: 2, errors: [] })
  expect(await from.moveAll('b', 'b', { storage: to })).toEqual({ moved: 1, errors: [] })
  expect(await from.move('a/1', 'a/1', { storage: to, overwrite: true })).toBe('a/1')
  expect([ann.paths(), bob.paths()].map(paths => paths.filter(path => /\d/.test(path)))).toEqual([
    ['/a/2'],
    ['/a/1', '/a/2', '/b/3'],
  ])
})

test('another token of the account means the same files', async () => {
  ann.clear()
  const scopes = ['files.metadata.read', 'files.content.read', 'files.content.write', 'files.metadata.write']
  await using one = storageWith(at(ann))
  await using other = storageWith(at(ann))
  await one.save('a/1', 'x')
  await expect(one.moveAll('a', 'a/b', { storage: other })).rejects.toMatchObject({ code: 'invalid_argument' })
  expect(await one.move('a/1', 'a/1', { storage: other })).toBe('a/1')
  // Without the right to ask whose they are, a single file is still known by its id.
  await using blind = storageWith({ ...at(ann), oauth2AccessToken: ann.token({ scopes }) })
  expect(await one.move('a/1', 'a/1', { storage: blind })).toBe('a/1')
  expect(await blind.copyAll('a', 'c', { storage: one })).toEqual({ copied: 1, errors: [] })
  expect(await one.readText('a/1')).toBe('x')
})
