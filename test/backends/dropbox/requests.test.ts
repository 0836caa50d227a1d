import { describe, expect, it } from 'vitest'
import { asciiJson } from '../../../src/backends/dropbox/client.ts'
import type { Asked, Scripted } from '../../support/scripted-client.ts'
import { argOf, called, FILE, refusal, scripted } from './scripted.ts'

const RESULT = { 'dropbox-api-result': JSON.stringify(FILE), 'content-length': '4' }
const HASH = FILE.content_hash
const REV = FILE.rev

/** A service in which there is one file, `/a` with the bytes `text`. */
function one(asked: Asked): Scripted {
  const path = String(argOf(asked)['path'] ?? argOf(asked)['from_path'])
  switch (called(asked)) {
    case 'files/download':
      return { status: 200, headers: RESULT, body: 'text' }
    case 'files/get_metadata':
      return path === '/a' || path === `rev:${REV}` ? { json: FILE } : refusal('path', 'not_found')
    case 'files/upload':
      return { json: { ...FILE, path_lower: path.toLowerCase() } }
    case 'files/list_folder':
      return { json: { entries: [FILE], cursor: 'c', has_more: false } }
    case 'files/copy_v2':
    case 'files/move_v2':
      return { json: { metadata: { ...FILE, path_lower: String(argOf(asked)['to_path']) } } }
    case 'files/delete_batch':
      return { json: { '.tag': 'complete', entries: [{ '.tag': 'success', metadata: FILE }] } }
    case 'files/get_temporary_link':
      return { json: { link: 'https://dl.example/x', metadata: FILE } }
    default:
      return { json: { metadata: FILE } }
  }
}

type Files = ReturnType<typeof scripted>
type Call = readonly [name: string, arg: object]
const meta: Call = ['files/get_metadata', { path: '/a' }]
const commit = { path: '/b', mode: 'add', autorename: false, strict_conflict: true, content_hash: HASH }

describe('what a call sends', () => {
  it.each<[string, (files: Files) => Promise<unknown>, readonly Call[]]>([
    ['exists', files => files.exists('a'), [meta]],
    ['a version', files => files.stat('a', { versionId: REV }), [['files/get_metadata', { path: `rev:${REV}` }]]],
    ['readBytes', files => files.readBytes('a'), [['files/download', { path: '/a' }]]],
    ['save', files => files.save('b', 'text'), [['files/upload', commit]]],
    [
      'save over',
      files => files.save('a', 'text', { overwrite: true }),
      [['files/upload', { path: '/a', mode: 'overwrite', autorename: false, content_hash: HASH }]],
    ],
    [
      'save over a revision, with what only Dropbox knows',
      files => files.save('a', 'text', { ifMatch: REV, extra: { mute: true, clientModified: new Date(1.5e12 + 123) } }),
      [
        [
          'files/upload',
          {
            ...commit,
            path: '/a',
            mode: { '.tag': 'update', update: REV },
            mute: true,
            client_modified: '2017-07-14T02:40:00Z',
          },
        ],
      ],
    ],
    ['delete', files => files.delete('a'), [meta, ['files/delete_v2', { path: '/a', parent_rev: REV }]]],
    [
      'deleteMany',
      files => files.deleteMany(['a']),
      [meta, ['files/delete_batch', { entries: [{ path: '/a', parent_rev: REV }] }]],
    ],
    ['listdir of the root', files => files.listdir(), [['files/list_folder', { path: '', recursive: false }]]],
    [
      'a page',
      files => files.page('Dir/', { recursive: true, limit: 5000 }),
      [['files/list_folder', { path: '/Dir', recursive: true, limit: 2000 }]],
    ],
    [
      'copy',
      files => files.copy('a', 'b'),
      [meta, ['files/copy_v2', { from_path: '/a', to_path: '/b', autorename: false }]],
    ],
    [
      'move',
      files => files.move('a', 'b'),
      [meta, ['files/move_v2', { from_path: '/a', to_path: '/b', autorename: false }]],
    ],
    ['url', files => files.url('a'), [['files/get_temporary_link', { path: '/a' }]]],
  ])('%s', async (_, call, requests) => {
    const files = scripted(one)
    await call(files)
    expect(files.asked.map(asked => [called(asked), argOf(asked)])).toEqual(requests)
    for (const { method, url, headers, body } of files.asked) {
      const isContent = /\/files\/(upload|download)$/.test(url)
      expect([method, new URL(url).origin]).toEqual(['POST', `https://${isContent ? 'content' : 'api'}.dropboxapi.com`])
      expect(headers['authorization']).toBe('Bearer a-token')
      if (!isContent) expect(headers['content-type']).toBe('application/json')
      else if (url.endsWith('upload')) expect(headers['content-type']).toBe('application/octet-stream')
      else expect([headers['content-type'], body.byteLength]).toEqual([undefined, 0])
    }
  })

  it('createContainer makes the root, once', async () => {
    const files = scripted(one, { rootPath: '/my/app' })
    await files.createContainer()
    expect(files.asked.map(asked => [called(asked), argOf(asked)])).toEqual([
      ['files/create_folder_v2', { path: '/my/app', autorename: false }],
    ])
    await scripted(() => refusal('path', 'conflict', 'folder'), { rootPath: '/my/app' }).createContainer()
    const file = scripted(() => refusal('path', 'conflict', 'file'), { rootPath: '/my/app' })
    await expect(file.createContainer()).rejects.toMatchObject({ code: 'not_a_directory' })
    const root = scripted(one)
    await root.createContainer()
    expect(root.asked).toEqual([])
  })

  it('goes to the addresses of the options, with their paths', async () => {
    const files = scripted(one, { apiUrl: 'http://proxy.example:8080/api/', contentUrl: 'proxy.example/bytes' })
    await files.save('b', 'text')
    await files.stat('a')
    expect(files.asked.map(({ url }) => url)).toEqual([
      'https://proxy.example/bytes/2/files/upload',
      'http://proxy.example:8080/api/2/files/get_metadata',
    ])
  })

  it.each([
    [{ colour: 'red' }, "'colour' is not known"],
    [{ mute: 'yes' }, 'mute: expected true or false'],
    [{ clientModified: 'yesterday' }, 'clientModified: expected a date'],
    [{ clientModified: 5 }, 'clientModified: expected a date'],
  ])('nothing, with %j', async (extra, text) => {
    const files = scripted(one)
    const saved = files.save('b', 'text', { extra })
    await expect(saved).rejects.toMatchObject({ code: 'invalid_argument', message: expect.stringContaining(text) })
    expect(files.asked).toEqual([])
  })
})

it('dbx-1: the argument of a header is pure ASCII', () => {
  for (const text of ['ü', '\u007f\u0080', '日本', '🙂', '\u2028\uffff', '"\\\n']) {
    const json = asciiJson({ path: text })
    expect(json).toMatch(/^[\x20-\x7e]+$/)
    expect(JSON.parse(json)).toEqual({ path: text })
  }
  expect(asciiJson({ a: '\u007f🙂' })).toBe('{"a":"\\u007f\\ud83d\\ude42"}')
})

describe('the write mode update', () => {
  const saved = async (answer: (asked: Asked) => Scripted) => {
    const files = scripted(answer, { writeMode: 'update' })
    const result = await files.save('a', 'text').catch(reason => reason)
    return {
      result,
      modes: files.asked.filter(asked => called(asked) === 'files/upload').map(asked => argOf(asked)['mode']),
    }
  }

  it('replaces the revision that was there when the save began', async () => {
    expect(await saved(one)).toEqual({ result: 'a', modes: [{ '.tag': 'update', update: REV }] })
  })

  it('makes a file that was not there', async () => {
    const none = (asked: Asked) => (called(asked) === 'files/upload' ? one(asked) : refusal('path', 'not_found'))
    expect(await saved(none)).toEqual({ result: 'a', modes: ['add'] })
  })

  it('replaces no folder', async () => {
    const folder = { '.tag': 'folder', id: 'id:f', path_display: '/a' }
    const { result, modes } = await saved(asked =>
      called(asked) === 'files/upload' ? refusal('path', 'conflict', 'folder') : { json: folder },
    )
    expect([result.code, modes]).toEqual(['is_directory', ['add']])
  })

  const refused = (now: object) => {
    let isRefused = false
    return saved(asked => {
      if (called(asked) !== 'files/upload') return { json: isRefused ? { ...FILE, ...now } : FILE }
      isRefused = true
      return refusal('path', 'conflict', 'file')
    })
  }

  it.each([
    { rev: 'fedcba9876543' },
    { rev: 'fedcba9876543', content_hash: 'f'.repeat(64) },
    { content_hash: 'f'.repeat(64) },
  ])('is refused where somebody was quicker: %j', async now => {
    expect((await refused(now)).result).toMatchObject({ code: 'precondition_failed', outcome: 'not_applied' })
  })

  it('has nothing to do where that revision has these bytes, which Dropbox may call a conflict', async () => {
    expect((await refused({})).result).toBe('a')
  })
})

describe('dbx-5: the root of a team', () => {
  const root = (id: string, tag = 'team') => ({
    json: { root_info: { '.tag': tag, root_namespace_id: id, home_namespace_id: '1' } },
  })
  const paths = ({ asked }: Files) => asked.map(one => [called(one), one.headers['dropbox-api-path-root']])
  const header = (id: string) => `{".tag":"root","root":"${id}"}`

  it.each(['team', 'user'])('is asked for once, of an account that says %s, and sent with every call', async tag => {
    const files = scripted(asked => (called(asked) === 'users/get_current_account' ? root('7', tag) : one(asked)), {
      teamRoot: true,
    })
    await Promise.all([files.stat('a'), files.stat('a')])
    await files.readBytes('a')
    expect(paths(files)).toEqual([
      ['users/get_current_account', undefined],
      ['files/get_metadata', header('7')],
      ['files/get_metadata', header('7')],
      ['files/download', header('7')],
    ])
    expect(files.asked[0]!.body.toString()).toBe('null')
  })

  it('is asked for again when it has become another one', async () => {
    let current = '7'
    const refused: Scripted = {
      status: 422,
      body: JSON.stringify({ error: { '.tag': 'invalid_root', invalid_root: { root_namespace_id: '8' } } }),
    }
    const files = scripted(
      asked => {
        if (called(asked) === 'users/get_current_account') return root(current)
        return asked.headers['dropbox-api-path-root'] === header(current) ? one(asked) : refused
      },
      { teamRoot: true },
    )
    await files.stat('a')
    current = '8'
    await files.stat('a')
    expect(paths(files).slice(2)).toEqual([
      ['files/get_metadata', header('7')],
      ['users/get_current_account', undefined],
      ['files/get_metadata', header('8')],
    ])
  })

  it('that is refused, or not told, is an error that names the setting', async () => {
    const refused: Scripted = { status: 422, body: JSON.stringify({ error: { '.tag': 'no_permission' } }) }
    const files = scripted(asked => (called(asked) === 'users/get_current_account' ? root('7') : refused), {
      teamRoot: true,
    })
    await expect(files.exists('a')).rejects.toMatchObject({ code: 'permission_denied' })
    await expect(files.exists('a')).rejects.toThrow(/DROPBOX_TEAM_ROOT/)
    const silent = scripted(() => ({ json: { root_info: { '.tag': 'team' } } }), { teamRoot: true })
    await expect(silent.save('b', 'x')).rejects.toMatchObject({ code: 'unavailable', outcome: 'not_applied' })
  })

  it('is not sent where it is not asked for', async () => {
    const files = scripted(one)
    await files.stat('a')
    expect(paths(files)).toEqual([['files/get_metadata', undefined]])
  })
})
