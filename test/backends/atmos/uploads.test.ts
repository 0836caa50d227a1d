/** What uploads do with answers that are lost, late or odd. */
import { createHash } from 'node:crypto'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { NodeClient } from '../../../src/http/node-client.ts'
import type { HttpClient } from '../../../src/http/request.ts'
import { ask } from '../../servers/strict-atmos/asker.ts'
import { startStrictAtmos } from '../../servers/strict-atmos.ts'
import { OBJECT_ID, refusal, scripted, tagsOf } from './scripted.ts'
import { at, KIB_64, ninefoldWith, smallParts, storageWith } from './support.ts'

vi.mock('node:timers/promises', () => import('../../support/short-waits.ts'))

const server = await startStrictAtmos()
afterAll(() => server.close())

const operationsOf = (from: number): string[] => server.requests.slice(from).map(({ operation }) => operation)
const bytes = Buffer.alloc(3 * KIB_64, 'x')

describe('the requests of a save', () => {
  it('of a small file are a creation, a renaming and a look', async () => {
    await using files = storageWith({ ...at(server), fileOverwrite: true })
    await files.exists('known')
    const from = server.requests.length
    await files.save('requests/small.txt', 'small', { metadata: { who: 'me' } })
    expect(operationsOf(from)).toEqual(['CreateObject', 'Rename', 'HeadObject'])
    const [create, rename] = server.requests.slice(from)
    expect(create!.url).toMatch(/^\/rest\/namespace\/media\/requests\/\.holdall-\d+-[0-9a-f]{32}\.tmp$/)
    expect(create!.headers).toMatchObject({
      'content-type': 'text/plain',
      'x-emc-meta': 'who=me,md5=eb5c1399a871211c7e7ed732d15e3a8b',
      'x-emc-wschecksum': expect.stringMatching(/^SHA1\/5\/[0-9a-f]{40}$/),
    })
    expect(create!.headers['date']).toBeUndefined()
    expect(rename!.headers).toMatchObject({ 'x-emc-path': 'media/requests/small.txt', 'x-emc-force': 'true' })
  })

  it('that must not replace a file leave x-emc-force out, and a name outside ASCII is encoded', async () => {
    await using files = storageWith(at(server))
    const from = server.requests.length
    await files.save('requests/ü, 100%.txt', 'odd')
    const rename = server.requests.slice(from).find(({ operation }) => operation === 'Rename')!
    expect(rename.headers['x-emc-force']).toBeUndefined()
    expect(rename.headers).toMatchObject({
      'x-emc-path': 'media/requests/%C3%BC%2C%20100%25.txt',
      'x-emc-utf8': 'true',
    })
    expect(server.tree.body('media/requests/ü, 100%.txt')).toEqual(Buffer.from('odd'))
  })

  it('of a large file tag the MD5 at last, for libcloud', async () => {
    await using files = smallParts(server)
    const from = server.requests.length
    await files.save('requests/large', bytes)
    expect(operationsOf(from).slice(-5)).toEqual([
      'UpdateObject',
      'UpdateObject',
      'SetUserMetadata',
      'Rename',
      'HeadObject',
    ])
    const node = server.tree.find('media/requests/large') as { tags: Map<string, { value: string }> }
    expect(node.tags.get('md5')?.value).toBe(createHash('md5').update(bytes).digest('hex'))
    expect((await files.stat('requests/large')).metadata).toBeUndefined()
  })
})

it('an append whose answer was lost is looked up by the size, and only what is missing is sent', async () => {
  await using files = smallParts(server)
  const from = server.requests.length
  server.faults.add({ operation: 'UpdateObject', times: 1, fault: { do: 'drop', at: 'after' } })
  await files.save('lost/append', bytes)
  const after = server.requests.slice(from)
  const appends = after.filter(({ operation }) => operation === 'UpdateObject').map(({ headers }) => headers['range'])
  // The log has no request whose answer was lost: it would have the same one again.
  expect(appends).toEqual([`bytes=${2 * KIB_64}-${3 * KIB_64 - 1}`])
  expect(after.some(({ operation, key }) => operation === 'HeadObject' && key.includes('.holdall-'))).toBe(true)
  expect(server.tree.body('media/lost/append')!.equals(bytes)).toBe(true)
})

it('a creation whose answer was lost is recognised by its name, size and checksum', async () => {
  await using files = smallParts(server)
  const from = server.requests.length
  server.faults.add({ operation: 'CreateObject', times: 1, fault: { do: 'drop', at: 'after' } })
  await files.save('lost/create', 'created once')
  expect(server.requests.slice(from).filter(({ operation }) => operation === 'CreateObject')).toMatchObject([
    { code: '1016' },
  ])
  expect(await files.readText('lost/create')).toBe('created once')
})

it('a renaming whose answer was lost is recognised by the id of the object', async () => {
  await using files = smallParts(server)
  server.faults.add({ operation: 'Rename', times: 1, fault: { do: 'drop', at: 'after' } })
  expect(await files.save('lost/rename', 'renamed once')).toBe('lost/rename')
  expect(await files.readText('lost/rename')).toBe('renamed once')
})

it('a name that was taken since it was asked for is refused by 1016, and the save gets another one', async () => {
  const inner = new NodeClient()
  const racing: HttpClient = {
    async request(request, ctx) {
      if (request.url.endsWith('?rename'))
        await ask(server, 'POST', '/rest/namespace/media/taken/a.txt', { body: 'first' })
      return inner.request(request, ctx)
    },
    close: () => inner.close(),
  }
  await using files = smallParts(server, {}, { httpClient: racing })
  const name = await files.save('taken/a.txt', 'mine')
  expect(name).toMatch(/^taken\/a_\w{7}\.txt$/)
  expect(server.tree.paths().filter(path => path.startsWith('media/taken/'))).toEqual([
    'media/taken/a.txt',
    `media/${name}`,
  ])
  expect(await files.readText('taken/a.txt')).toBe('first')
})

it('a renaming that replaces a file and shows late is waited for', async () => {
  const late = await startStrictAtmos({ staleReads: 3, credentials: [server.credentials], now: clock() })
  await using files = storageWith({ ...at(late), fileOverwrite: true })
  await files.save('a.txt', 'old')
  await files.save('a.txt', 'the new one')
  expect(await files.readText('a.txt')).toBe('the new one')
  expect((await files.stat('a.txt')).size).toBe(11)
  await late.close()
})

it('two saves of one name at once both succeed, and one of them is there', async () => {
  await using files = smallParts(server, { fileOverwrite: true })
  await Promise.all(Array.from({ length: 6 }, (_, at) => files.save('raced', `saver ${at}`)))
  expect(await files.readText('raced')).toMatch(/^saver \d$/)
  expect(server.tree.paths().filter(path => path.includes('.holdall-'))).toEqual([])
})

it('a move makes missing folders, keeps the tags, and refuses a folder', async () => {
  await using files = storageWith(at(server))
  await files.save('move/a', 'moved', { metadata: { who: 'me' } })
  expect(await files.move('move/a', 'move/new/folder/b')).toBe('move/new/folder/b')
  expect(await files.stat('move/new/folder/b')).toMatchObject({ size: 5, metadata: { who: 'me' } })
  expect(await files.exists('move/a')).toBe(false)
  await expect(files.move('move/new', 'move/other')).rejects.toMatchObject({ code: 'is_directory' })
  await expect(files.move('move/missing', 'move/other')).rejects.toMatchObject({ code: 'not_found' })
})

it('rights and listable tags go with uploads: those of the file win over those of the options', async () => {
  await using files = storageWith({ ...at(server), userAcl: 'mary=READ', groupAcl: 'other=READ' })
  const from = server.requests.length
  await files.save('rights/a', 'a')
  await files.save('rights/b', 'b', { extra: { userAcl: 'john=WRITE', listableMeta: 'kind=x' } })
  const [a, b] = server.requests.slice(from).filter(({ operation }) => operation === 'CreateObject')
  expect(a!.headers).toMatchObject({ 'x-emc-useracl': 'mary=READ', 'x-emc-groupacl': 'other=READ' })
  expect(b!.headers).toMatchObject({ 'x-emc-useracl': 'john=WRITE', 'x-emc-listable-meta': 'kind=x' })
  expect((await files.stat('rights/b')).metadata).toEqual({ kind: 'x' })
  await expect(files.save('rights/c', 'c', { extra: { colour: 'red' } })).rejects.toMatchObject({
    code: 'invalid_argument',
  })
})

it('metadata named as tags of the service are kept under another name, and come back under their own', async () => {
  await using files = storageWith(at(server))
  const metadata = {
    size: 'XL',
    md5: 'mine',
    'holdall-x': 'y',
    uid: 'nobody',
    plain: 'a=b',
    comma: 'a, b=c',
    pct: '100%25',
  }
  await files.save('tags/a', 'abc', { metadata, contentLanguage: 'de', cacheControl: 'no-store' })
  expect(await files.stat('tags/a')).toMatchObject({
    size: 3,
    metadata,
    contentLanguage: 'de',
    cacheControl: 'no-store',
  })
})

it('compressed files keep their encoding as a tag, and are read as they were', async () => {
  await using files = storageWith({ ...at(server), gzip: true })
  const css = 'a { color: red } '.repeat(100)
  await files.save('gzip/a.css', css)
  expect(server.tree.body('media/gzip/a.css')!.length).toBeLessThan(200)
  expect(await files.stat('gzip/a.css')).toMatchObject({ contentEncoding: 'gzip', contentType: 'text/css' })
  expect(await files.readText('gzip/a.css')).toBe(css)
})

it('Ninefold saves and reads below its path', async () => {
  await using files = ninefoldWith({
    host: server.url,
    path: '',
    user: server.credentials.uid,
    key: server.credentials.secret,
  })
  expect(await files.save('ninefold at the root.txt', 'n')).toBe('ninefold at the root.txt')
  expect(server.tree.body('ninefold at the root.txt')).toEqual(Buffer.from('n'))
})

describe('answers that cannot be true', () => {
  it('a file that has another size than was written is an error whose outcome is unknown', async () => {
    const files = scripted(
      ({ method, url }) => {
        if (method === 'HEAD') return { status: 200, headers: tagsOf(3) }
        if (url.endsWith('?rename')) return { status: 200 }
        return { status: 201, headers: { location: `/rest/objects/${OBJECT_ID}`, 'x-emc-delta': '5' } }
      },
      { fileOverwrite: true },
    )
    await expect(files.save('a', 'bytes')).rejects.toMatchObject({
      code: 'unavailable',
      outcome: 'unknown',
      message: expect.stringContaining('has 3 bytes of the 5 that were written'),
    })
  })

  it('a service without sizes in its answers is asked for the size before the name is given', async () => {
    const files = scripted(
      ({ method, url }) => {
        if (method === 'HEAD') return { status: 200, headers: tagsOf(url.includes('.holdall-') ? 3 : 5) }
        if (method === 'DELETE') return { status: 204 }
        return { status: 201, headers: { location: `/rest/objects/${OBJECT_ID}` } }
      },
      { fileOverwrite: true },
    )
    await expect(files.save('a', 'bytes')).rejects.toMatchObject({
      outcome: 'not_applied',
      message: expect.stringContaining('stored 3 of 5 bytes'),
    })
    expect(files.asked.map(({ method, url }) => `${method} ${url.includes('?rename')}`)).toEqual([
      'POST false',
      'HEAD false',
      'DELETE false',
    ])
  })

  it('a part of the object that an earlier request left is removed before it is made again', async () => {
    let creations = 0
    const files = scripted(
      ({ method, url }) => {
        if (url.endsWith('?rename')) return { status: 200 }
        if (method === 'DELETE') return { status: 204 }
        if (method === 'HEAD') return { status: 200, headers: tagsOf(url.includes('.holdall-') ? 2 : 5) }
        creations++
        if (creations === 1) return { status: 500 }
        if (creations === 2) return refusal(1016, 409)
        return { status: 201, headers: { location: `/rest/objects/${OBJECT_ID}`, 'x-emc-delta': '5' } }
      },
      { fileOverwrite: true, maxAttempts: 3 },
    )
    await files.save('a', 'bytes')
    expect(files.asked.map(({ method }) => method)).toEqual(['POST', 'POST', 'HEAD', 'DELETE', 'POST', 'POST', 'HEAD'])
    await files.close()
  })
})

/** A clock that goes on 5 seconds each time it is looked at for a new object. */
function clock(): () => number {
  const start = Date.now()
  let looks = 0
  return () => start + 200 * looks++
}
