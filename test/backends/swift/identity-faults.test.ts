/** Each fault at the step of authentication, for each version: the call that waits for the token is made in the end, and believes no lie. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Answer, Fault } from '../../faults/faults.ts'
import { type StrictSwift, startStrictSwift } from '../../servers/strict-swift.ts'
import { rackspaceAt } from './rackspace-support.ts'
import { at, keystone, storageWith } from './support.ts'

let server: StrictSwift
beforeAll(async () => {
  server = await startStrictSwift({ containers: ['media', 'media_segments'] })
})
afterAll(async () => {
  expect(server.complaints).toEqual([])
  await server.close()
})

/** Connection settings that no other test has, and so a token of its own. */
let distinct = 30

const VERSIONS = {
  'auth.v1': (options: object) => storageWith({ ...at(server), ...options }),
  'auth.v2': (options: object) => storageWith({ ...keystone(server, 2), ...options }),
  'auth.v3': (options: object) => storageWith({ ...keystone(server, 3), ...options }),
  'auth.v1.1': (options: object) => rackspaceAt(server, { ...options, authUrl: `${server.url}/v1.1` }),
} as const

const answer = (change: (truth: Answer) => Partial<Answer>): Fault => ({
  do: 'lie',
  at: 'after',
  answer: truth => ({ ...truth, ...change(truth) }),
})
const PAGE = Buffer.from('<html><body>Please log in</body></html>')
const HTML = [['content-type', 'text/html']] as const
const NOT_HERE = /^x-(?:subject-token|storage-url|auth-token|storage-token)$/i

const PASSING: ReadonlyArray<readonly [string, Fault]> = [
  ['a connection that breaks before the request', { do: 'drop' }],
  ['a connection that breaks before the answer', { do: 'drop', at: 'after' }],
  ['an answer that is cut in its head', { do: 'cut', bytes: 'head' }],
  ['bytes that are no HTTP', { do: 'garbage' }],
  ['status 500', { do: 'refuse', status: 500, code: 'Internal Error' }],
  ['status 503 with Retry-After', { do: 'refuse', status: 503, code: 'Busy', headers: { 'retry-after': '0' } }],
  ['status 429', { do: 'refuse', status: 429, code: 'Busy', headers: { 'retry-after': '0' } }],
  ['a page with status 200', answer(() => ({ status: 200, headers: HTML, body: PAGE }))],
  ['an empty success', answer(() => ({ status: 200, headers: [], body: Buffer.alloc(0) }))],
  [
    'an answer without what it must have',
    answer(({ headers }) => ({ headers: headers.filter(([name]) => !NOT_HERE.test(name)), body: Buffer.from('{}') })),
  ],
]

describe.each(Object.entries(VERSIONS))('at %s', (operation, make) => {
  it.concurrent.each(PASSING)('%s', async (_title, fault) => {
    // Another test beside this one may meet the fault instead, and this one that of another.
    await using files = make({ connectTimeoutSecs: distinct++, maxAttempts: 8 })
    server.faults.add({ operation, fault })
    expect(await files.exists('none.txt')).toBe(false)
  })

  it('a refusal', async () => {
    await using files = make({ connectTimeoutSecs: distinct++, maxAttempts: 3 })
    const before = server.requests.length
    server.faults.add({ operation, fault: { do: 'refuse', status: 401, code: 'Unauthorized' } })
    await expect(files.save('none.txt', 'x')).rejects.toMatchObject({
      code: 'permission_denied',
      outcome: 'not_applied',
    })
    expect(server.requests.slice(before).map(one => one.operation)).toEqual([operation])
  })
})
