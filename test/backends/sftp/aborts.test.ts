/** Calls that are aborted, or whose storage is closed, while a request of theirs is on the way. */
import { getEventListeners } from 'node:events'
import { afterAll, describe, expect, it } from 'vitest'
import { startSftpServer } from '../../servers/sftp.ts'
import { abortedAtEachStep } from '../../support/each-step.ts'
import { CALLS, type FaultCall, foundAt, HABITS, prepare } from './fault-calls.ts'
import { hold, openAt, storageAt } from './support.ts'

const server = await startSftpServer({ habits: HABITS })
afterAll(() => server.close())

async function requestsOf(call: FaultCall): Promise<readonly string[]> {
  prepare(server)
  const files = storageAt(server)
  server.log.clear()
  await call.run(files)
  await files.close()
  return [...new Set(server.log.requests.map(({ operation }) => operation))]
}

/** What is wrong after the call was ended while this request was held. */
async function complaints(
  call: FaultCall,
  on: string,
  at: 'before' | 'after',
  end: 'aborted' | 'closed',
): Promise<string[]> {
  prepare(server)
  const files = storageAt(server)
  const controller = new AbortController()
  const held = hold(server, { on }, at)
  const outcome = call.run(files, controller.signal).then(
    () => 'done',
    (error: { code?: string }) => error.code ?? String(error),
  )
  await held.reached
  if (end === 'aborted') controller.abort()
  const closing = end === 'closed' ? files.close() : undefined
  // What is held when nobody waits any more is answered late.
  setImmediate(held.go)
  const code = await outcome
  await closing
  const said: string[] = []
  // A step that cannot be undone may be waited for.
  if (code !== end && code !== 'done' && !(end === 'closed' && code === 'unavailable')) said.push(`its code is ${code}`)
  if (end === 'aborted') {
    await files.save('next', 'works', { overwrite: true })
    if (server.files.text('media/next') !== 'works') said.push('the next save was lost')
  }
  await files.close()
  server.files.remove('media/next')
  const found = foundAt(server)
  const state = call.state(found)
  if (state === 'half') said.push(`half: ${[...found.keys()]}`)
  if (code === 'done' && state !== 'after') said.push('it said that it was done')
  const open = await openAt(server)
  if (open.length > 0) said.push(`open: ${open}`)
  const listeners = getEventListeners(controller.signal, 'abort').length
  if (listeners > 0) said.push(`${listeners} listeners are left`)
  return said.map(each => `${on}, ${at} its work, ${end}: ${each}`)
}

describe.each(CALLS)('$title', call => {
  it('ended while each request is on the way', async () => {
    const said: string[] = []
    for (const on of await requestsOf(call)) {
      for (const at of ['before', 'after'] as const) {
        for (const end of at === 'before' ? (['aborted', 'closed'] as const) : (['aborted'] as const))
          said.push(...(await complaints(call, on, at, end)))
      }
    }
    expect(said).toEqual([])
  })
})

it.each(CALLS.filter(({ title }) => /^(save of a stream|copy to a new name|readBytes)$/.test(title)))(
  '$title, aborted before each of its continuations, leaves nothing half',
  async call => {
    const files = storageAt(server)
    const endings = await abortedAtEachStep(async begin => {
      prepare(server)
      await call.run(files, begin())
      expect(call.state(foundAt(server))).toBe('after')
    })
    await files.close()
    expect([...endings].sort()).toEqual(['aborted', 'done'])
    expect([await openAt(server), call.state(foundAt(server))]).toEqual([[], 'after'])
  },
)
