import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { failure, tagged } from './strict-dropbox/failure.ts'
import { officialClient } from './strict-dropbox/official.ts'
import { type StrictDropbox, startStrictDropbox } from './strict-dropbox.ts'

let now = Date.now()
const server = await startStrictDropbox({ now: () => now, tokenSecs: 1000 })
afterAll(() => server.close())
beforeEach(() => {
  server.clear()
  server.tokens.refreshes.length = 0
})

type Headers = Readonly<Record<string, string>>

/** A request as it stands, with a token unless the headers have another one. */
async function raw(
  path: string,
  headers: Headers = {},
  body?: string,
  at: StrictDropbox = server,
): Promise<{ status: number; text: string; type: string | null }> {
  const authorization = `Bearer ${at.token()}`
  const init = { method: 'POST', headers: { authorization, ...headers }, ...(body === undefined ? {} : { body }) }
  const answer = await fetch(at.url + path, init)
  return { status: answer.status, text: await answer.text(), type: answer.headers.get('content-type') }
}

const JSON_TYPE = { 'content-type': 'application/json' }
const BYTES = { 'content-type': 'application/octet-stream' }
const list = (headers: Headers, body = '{"path":""}') =>
  raw('/api/2/files/list_folder', { ...JSON_TYPE, ...headers }, body)

describe('tokens', () => {
  test('are got by the official client from the query, and by a form', async () => {
    const dbx = officialClient(server, { refreshes: true })
    expect((await dbx.filesListFolder({ path: '' })).result.entries).toEqual([])
    await dbx.filesListFolder({ path: '' })
    expect(server.tokens.refreshes).toEqual([{ by: 'query', app: 'parameters' }])
    const { appKey, appSecret, refreshToken } = server.tokens
    const form = {
      grant_type: 'refresh_token',
      refresh_token: refreshToken,
      client_id: appKey,
      client_secret: appSecret,
    }
    const answer = await fetch(`${server.apiUrl}/oauth2/token`, { method: 'POST', body: new URLSearchParams(form) })
    const token = (await answer.json()) as { access_token: string; token_type: string; expires_in: number }
    expect([answer.status, token.token_type, token.expires_in]).toEqual([200, 'bearer', 1000])
    expect((await list({ authorization: `Bearer ${token.access_token}` })).status).toBe(200)
    expect(server.tokens.refreshes.at(-1)).toEqual({ by: 'form', app: 'parameters' })
  })

  test.each([
    ['another refresh token', { refresh_token: 'other' }, 'invalid_grant'],
    ['another secret', { client_secret: 'other' }, 'invalid_client'],
    ['another app', { client_id: 'other' }, 'invalid_client'],
    ['another grant', { grant_type: 'password' }, 'unsupported_grant_type'],
    ['another scope', { scope: 'everything' }, 'invalid_scope'],
  ])('are not given for %s', async (_, change, code) => {
    const { appKey, appSecret, refreshToken } = server.tokens
    const form = {
      grant_type: 'refresh_token',
      refresh_token: refreshToken,
      client_id: appKey,
      client_secret: appSecret,
    }
    const body = new URLSearchParams({ ...form, ...change })
    const answer = await fetch(`${server.apiUrl}/oauth2/token`, { method: 'POST', body })
    expect([answer.status, await answer.json()]).toMatchObject([
      400,
      { error: code, error_description: expect.any(String) },
    ])
    expect(server.tokens.refreshes).toEqual([])
  })

  test('are needed, must look like tokens, and are good for a time and for some things', async () => {
    const authorization = `Bearer ${server.token()}`
    expect(await list({ authorization: 'Bearer short' })).toMatchObject({
      status: 400,
      text: 'Error in call to API function "files/list_folder": The given OAuth 2 access token is malformed.',
      type: 'text/plain; charset=utf-8',
    })
    expect((await list({ authorization: 'Basic abc' })).text).toContain('Expecting "Bearer <oauth2-access-token>"')
    const none = await fetch(`${server.apiUrl}/2/files/list_folder`, { method: 'POST', headers: JSON_TYPE, body: '{}' })
    expect(none.status).toBe(400)
    const unknown = await list({ authorization: `Bearer ${'x'.repeat(40)}` })
    expect([unknown.status, JSON.parse(unknown.text).error]).toEqual([401, { '.tag': 'invalid_access_token' }])
    expect((await list({ authorization })).status).toBe(200)
    now += 1000 * 1000
    const expired = await list({ authorization })
    expect([expired.status, JSON.parse(expired.text)]).toEqual([
      401,
      {
        error_summary: expect.stringMatching(/^expired_access_token\/\.{0,3}$/),
        error: { '.tag': 'expired_access_token' },
      },
    ])
    const narrow = await list({ authorization: `Bearer ${server.token({ scopes: ['account_info.read'] })}` })
    const error = { '.tag': 'missing_scope', required_scope: 'files.metadata.read' }
    expect([narrow.status, JSON.parse(narrow.text).error]).toEqual([401, error])
  })
})

describe('what is no call', () => {
  const bytes = (headers: Headers, body = 'x') => raw('/content/2/files/upload', headers, body)
  const arg = { 'dropbox-api-arg': '{"path":"/a"}' }

  test.each<[string, () => ReturnType<typeof raw>, string]>([
    [
      'an unknown function',
      () => raw('/api/2/files/nothing', JSON_TYPE, '{}'),
      'Unknown API function: "files/nothing"',
    ],
    ['the wrong host', () => raw('/api/2/files/upload', { ...BYTES, ...arg }, 'x'), 'Incorrect host for API function'],
    ['no JSON', () => list({}, '{"path":'), 'request body: could not decode input as JSON'],
    ['no object', () => list({}, '[]'), 'request body: expected object, got list'],
    ['an empty body', () => list({}, ''), 'request body: could not decode input as JSON'],
    ['a missing field', () => list({}, '{}'), "request body: missing required field 'path'"],
    ['an unknown field', () => list({}, '{"path":"","sort":1}'), "request body: unknown field 'sort'"],
    ['a wrong type', () => list({}, '{"path":7}'), 'request body: path: expected string, got integer'],
    ['a limit of none', () => list({}, '{"path":"","limit":0}'), 'request body: limit: 0 is less than 1'],
    ['half a character', () => list({}, '{"path":"/\\ud83d"}'), 'request body: path: string is not valid Unicode'],
    [
      'a wrong type of body',
      () => list({ 'content-type': 'text/json' }),
      'Bad HTTP "Content-Type" header: "text/json".',
    ],
    ['no argument', () => bytes(BYTES), 'Must provide HTTP header "Dropbox-API-Arg"'],
    [
      'raw letters in a header',
      () => bytes({ ...BYTES, 'dropbox-api-arg': '{"path":"/\xfc"}' }),
      'could not decode input as JSON',
    ],
    ['JSON for bytes', () => bytes({ ...JSON_TYPE, ...arg }), 'Expecting one of "application/octet-stream"'],
    [
      'an unknown mode',
      () => bytes({ ...BYTES, 'dropbox-api-arg': '{"path":"/a","mode":"replace"}' }),
      'HTTP header "Dropbox-API-Arg": mode: unknown tag \'replace\'',
    ],
    [
      'update without a revision',
      () => bytes({ ...BYTES, 'dropbox-api-arg': '{"path":"/a","mode":"update"}' }),
      "mode: missing 'update' key for tag 'update'",
    ],
    [
      'a time with milliseconds',
      () => bytes({ ...BYTES, 'dropbox-api-arg': '{"path":"/a","client_modified":"2020-01-01T00:00:00.000Z"}' }),
      'client_modified: ',
    ],
    [
      'the root as a file',
      () => bytes({ ...BYTES, 'dropbox-api-arg': '{"path":""}' }),
      "path: '' did not match pattern",
    ],
    ['a body for none', () => raw('/api/2/users/get_current_account', JSON_TYPE, '{}'), 'request body: expected null'],
    [
      'no body that says JSON',
      () => raw('/api/2/users/get_current_account', JSON_TYPE),
      'could not decode input as JSON',
    ],
    [
      'a type for a download',
      () => raw('/content/2/files/download', { ...JSON_TYPE, ...arg }),
      'Expecting one of "text/plain", "text/plain; charset=utf-8"',
    ],
  ])('%s', async (_, call, text) => {
    const answer = await call()
    expect(answer).toMatchObject({ status: 400, type: 'text/plain; charset=utf-8' })
    expect(answer.text).toContain(text)
    expect(server.paths()).toEqual([])
  })

  test('but DEL and characters beyond the BMP come as escapes', async () => {
    const odd = { ...BYTES, 'dropbox-api-arg': '{"path":"/\\ud83d\\ude00","mode":{".tag":"add"}}' }
    expect((await bytes(odd)).status).toBe(200)
    expect(server.paths()).toEqual(['/😀'])
    const old = await startStrictDropbox({ refusesAstral: true })
    expect(await failure(officialClient(old).filesUpload({ path: '/😀', contents: 'x' }))).toMatchObject({
      status: 409,
      error: { '.tag': 'path', reason: { '.tag': 'malformed_path' } },
    })
    await old.close()
  })
})

describe('the root of paths', () => {
  const tag = (kind: string, id?: string): string => JSON.stringify({ '.tag': kind, ...(id ? { [kind]: id } : {}) })

  test.each(['team', 'team_space'] as const)(
    'of a member is their home, and the %s root where it is asked for',
    async kind => {
      const own = await startStrictDropbox({ account: kind })
      own.put('/mine', 'x')
      own.put('/Team Folder/ours', 'y', own.space.root)
      const { root_info: info } = (await officialClient(own).usersGetCurrentAccount()).result
      expect(info).toEqual({
        '.tag': kind === 'team' ? 'team' : 'user',
        root_namespace_id: '2003',
        home_namespace_id: '1007',
        home_path: '/Ann Example',
      })
      const names = async (pathRoot?: string): Promise<string[]> => {
        const dbx = officialClient(own, pathRoot === undefined ? {} : { pathRoot })
        const { entries } = (await dbx.filesListFolder({ path: '', recursive: true })).result
        return entries.map(entry => entry.path_display!).sort()
      }
      expect(await names()).toEqual(['/mine'])
      expect(await names(tag('home'))).toEqual(['/mine'])
      const all = ['/Ann Example', '/Ann Example/mine', '/Team Folder', '/Team Folder/ours']
      expect(await names(tag('root', '2003'))).toEqual(all)
      expect(await names(tag('namespace_id', '2003'))).toEqual(all)
      expect(await names(tag('namespace_id', '1007'))).toEqual(['/mine'])
      const dbx = officialClient(own, { pathRoot: tag('root', '2003') })
      const { result } = await dbx.filesUpload({ path: '/Team Folder/new', contents: 'z' })
      expect(result.path_display).toBe('/Team Folder/new')
      expect(String((await dbx.filesDownload({ path: '/ann example/mine' })).result.fileBinary)).toBe('x')
      expect(await failure(officialClient(own).filesDownload({ path: '/Team Folder/new' }))).toEqual(
        tagged('path/not_found'),
      )
      // Another namespace by its id in the path.
      expect((await dbx.filesGetMetadata({ path: 'ns:1007/mine' })).result.path_display).toBe('/Ann Example/mine')
      await own.close()
    },
  )

  test('is refused on both hosts when it is another one, and when it is no root at all', async () => {
    const own = await startStrictDropbox({ account: 'team' })
    own.put('/mine', 'x')
    const root = (pathRoot: string) => officialClient(own, { pathRoot })
    const invalid = { status: 422, error: { '.tag': 'invalid_root', invalid_root: { root_namespace_id: '2003' } } }
    expect(await failure(root(tag('root', '9')).filesListFolder({ path: '' }))).toMatchObject(invalid)
    expect(await failure(root(tag('root', '9')).filesDownload({ path: '/mine' }))).toMatchObject(invalid)
    const none = await failure(root(tag('namespace_id', '9')).filesListFolder({ path: '' }))
    expect(none).toEqual({ status: 422, error: { '.tag': 'no_permission' } })
    expect((await failure(root('2003').filesListFolder({ path: '' }))).error).toContain('Dropbox-API-Path-Root: ')
    expect((await failure(root(tag('roof', '1')).filesListFolder({ path: '' }))).error).toContain("unknown tag 'roof'")
    await own.close()
  })
})
