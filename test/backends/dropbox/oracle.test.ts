/** Every request of ours for hundreds of random names and options, against the request that the official client makes of the same argument. */
import type { Dropbox } from 'dropbox'
import { afterAll, expect, test } from 'vitest'
import { seeded } from '../../oracles/seeded.ts'
import { officialClient } from '../../servers/strict-dropbox/official.ts'
import { type LoggedRequest, startStrictDropbox } from '../../servers/strict-dropbox.ts'
import { at, storageWith } from './support.ts'

const server = await startStrictDropbox({ account: 'team', batches: 'at once', jobPolls: 0 })
afterAll(() => server.close())

/** The official client's method of a function. */
const METHODS: Readonly<Record<string, keyof Dropbox>> = {
  'files/upload': 'filesUpload',
  'files/download': 'filesDownload',
  'files/get_metadata': 'filesGetMetadata',
  'files/list_folder': 'filesListFolder',
  'files/list_folder/continue': 'filesListFolderContinue',
  'files/delete_v2': 'filesDeleteV2',
  'files/delete_batch': 'filesDeleteBatch',
  'files/delete_batch/check': 'filesDeleteBatchCheck',
  'files/copy_v2': 'filesCopyV2',
  'files/move_v2': 'filesMoveV2',
  'files/get_temporary_link': 'filesGetTemporaryLink',
  'files/upload_session/start': 'filesUploadSessionStart',
  'files/upload_session/append_v2': 'filesUploadSessionAppendV2',
  'files/upload_session/finish': 'filesUploadSessionFinish',
  'files/create_folder_v2': 'filesCreateFolderV2',
  'users/get_current_account': 'usersGetCurrentAccount',
}

const CHARS = [
  ...'abcXYZ019-_ !*\'()&+?#%=:@,;$"<>[]^`{|}~\u0080\u00e9\u00df\u0130\u4e2d\u{1f600}\u{10ffff}\u2028\u202e\ufb01\ufeff\ue000',
]
const random = seeded(21)
const below = (end: number): number => Math.floor(random() * end)
const text = (): string => Array.from({ length: 1 + below(12) }, () => CHARS[below(CHARS.length)]).join('')
/** A name of one to three parts that Dropbox takes, and that no other turn has. */
function name(turn: number): string {
  const parts = Array.from({ length: 1 + below(3) }, () => `${text().replace(/^(~\$|\.~|~)/, '')}.x`)
  return `${turn}${parts.join('/')}`
}

type Sent = Readonly<Record<string, unknown>>

/** The host, the path, the headers and the body that the official client sends for the argument of a request. */
async function officialRequest({
  operation,
  headers,
  json,
}: LoggedRequest & { json?: string | undefined }): Promise<Sent> {
  let sent: Sent | undefined
  const pathRoot = headers['dropbox-api-path-root']
  const client = officialClient(
    { ...server, token: () => headers['authorization']!.replace('Bearer ', '') },
    {
      ...(pathRoot === undefined ? {} : { pathRoot }),
      onRequest(url, { method, headers: own, body }) {
        const all = Object.fromEntries(
          Object.entries(own as Record<string, string>).map(([key, value]) => [key.toLowerCase(), value]),
        )
        sent = { url, method, body: typeof body === 'string' ? body : undefined, ...picked(all) }
        throw new Error('seen')
      },
    },
  )
  const arg = headers['dropbox-api-arg'] ?? json ?? 'null'
  const contents = operation.startsWith('files/upload') ? { contents: Buffer.alloc(0) } : {}
  const call = client[METHODS[operation]!] as (arg: object) => Promise<unknown>
  await call.call(client, { ...JSON.parse(arg), ...contents }).catch(() => {})
  return sent!
}

/** The headers that say something to Dropbox. */
function picked(headers: Readonly<Record<string, string | undefined>>): Sent {
  const { authorization, 'content-type': type, 'dropbox-api-arg': arg, 'dropbox-api-path-root': root } = headers
  return { authorization, type, arg, root }
}

test('are the same on the wire: host, path, token, type, escapes of the argument, and root', async () => {
  const options = { ...at(server), multipartThreshold: 4 * 1024 * 1024, partSize: 4 * 1024 * 1024 }
  const home = storageWith(options)
  const team = storageWith({ ...options, teamRoot: true })
  const deep = storageWith({ ...options, rootPath: '/Ordner ü/日本' })
  for (let turn = 0; turn < 80; turn++) {
    const files = [home, team, deep][turn % 3]!
    const [one, two] = [name(turn), name(turn)]
    await files.save(one, text(), { overwrite: random() < 0.5 })
    await files.readText(one)
    await files.stat(one)
    await files.url(one)
    const { etag, versionId } = await files.stat(one)
    if (random() < 0.3) await files.save(one, `${text()} `, { ifMatch: etag!, extra: { mute: true } })
    if (random() < 0.3) await files.readText(one, { versionId: versionId! })
    if (random() < 0.3) await files.save(`${one}+`, 'x', { overwrite: true, extra: { clientModified: new Date(0) } })
    if (random() < 0.5) await files.copy(one, `copies/${two}`, { overwrite: false })
    if (random() < 0.3) await files.move(one, `moves/${two}`, { overwrite: false })
    await files.listdir('')
    if (random() < 0.3) await files.delete(one)
  }
  await home.save('large', Buffer.alloc(9 * 1024 * 1024), { overwrite: true })
  await home.deleteMany(['large', 'none'])
  const seen = new Set<string>()
  for (const request of server.requests) {
    const { operation, headers, host, json, method, url } = request
    // A name is asked for that may be taken or not: that is no error of the request.
    expect([200, 206, 409], `${operation} ${headers['dropbox-api-arg'] ?? json}`).toContain(request.status)
    const path = url.replace(/^\/(api|content)/, '')
    const ours = { url: `https://${host}.dropboxapi.com${path}`, method, body: json, ...picked(headers) }
    const theirs = await officialRequest(request)
    // A call without an argument is `null` as JSON to us, and nothing at all to it: the service takes both.
    const none = operation === 'users/get_current_account' ? { body: undefined, type: undefined } : {}
    expect({ ...ours, ...none }).toEqual(theirs)
    seen.add(operation)
  }
  expect([...seen].sort()).toEqual(
    Object.keys(METHODS)
      .filter(one => one !== 'files/create_folder_v2' && one !== 'files/list_folder/continue')
      .sort(),
  )
  await Promise.all([home.close(), team.close(), deep.close()])
})
