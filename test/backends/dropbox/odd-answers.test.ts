/** What no Dropbox should answer of one file, and what it answers seldom. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Asked, Scripted } from '../../support/scripted-client.ts'
import { argOf, called, FILE, refusal, scripted } from './scripted.ts'

// No wait before another try.
beforeEach(() => void vi.spyOn(Math, 'random').mockReturnValue(0))
afterEach(() => vi.restoreAllMocks())

const MIB_4 = 4 * 1024 * 1024
const json = (value: unknown): Scripted => ({ json: value })
const page: Scripted = { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>log in</html>' }
const without = (name: keyof typeof FILE) => Object.fromEntries(Object.entries(FILE).filter(([key]) => key !== name))

describe('an upload', () => {
  it.each<[string, Scripted]>([
    ['a page', page],
    ['nothing', { status: 200 }],
    ['null', json(null)],
    ['a list', json([FILE])],
    ['another status', { status: 202, body: '{}' }],
    ['a folder', json({ ...FILE, '.tag': 'folder' })],
    ['another path', json({ ...FILE, path_lower: '/a (1)', path_display: '/a (1)' })],
    ['another size', json({ ...FILE, size: 5 })],
    ['a size that is none', json({ ...FILE, size: '4' })],
    ['another hash', json({ ...FILE, content_hash: '0'.repeat(64) })],
    ['no revision', json(without('rev'))],
    ['no id', json(without('id'))],
  ])('that is answered by %s may have been carried out, and is no success', async (_, answer) => {
    const saved = scripted(() => answer).save('a', 'text', { overwrite: true })
    await expect(saved).rejects.toMatchObject({ outcome: 'unknown' })
  })

  it.each(['content_hash', 'server_modified', 'client_modified', 'path_lower', '.tag', 'name'] as const)(
    'needs no %s in its answer',
    async name => {
      const files = scripted(() => json(without(name)))
      expect(await files.save('a', 'text', { overwrite: true })).toBe('a')
    },
  )

  const conflict = refusal('path', 'conflict', 'file')
  const lost: Scripted = { status: 502, body: '<html>' }
  const exclusive = (answers: readonly Scripted[], found: Scripted) => {
    const left = [...answers]
    const files = scripted(asked => (called(asked) === 'files/upload' ? left.shift()! : found), { maxAttempts: 3 })
    return { files, modes: () => files.asked.map(called) }
  }

  it('under a condition whose answer was lost is known by its hash', async () => {
    const { files, modes } = exclusive([lost, conflict], json(FILE))
    expect(await files.save('a', 'text')).toBe('a')
    expect(modes()).toEqual(['files/upload', 'files/upload', 'files/get_metadata'])
  })

  it('under a condition whose answer was lost gets another name where other bytes are there', async () => {
    const made = json({ ...FILE, path_lower: undefined, path_display: undefined })
    const answers = [lost, conflict, made]
    const files = scripted(
      asked => {
        if (called(asked) === 'files/upload') return answers.shift()!
        return argOf(asked)['path'] === '/a'
          ? json({ ...FILE, content_hash: 'f'.repeat(64) })
          : refusal('path', 'not_found')
      },
      { maxAttempts: 3 },
    )
    expect(await files.save('a', 'text')).toMatch(/^a_\w{7}$/)
    for (const asked of files.asked.filter(one => called(one) === 'files/upload'))
      expect(argOf(asked)['mode']).toBe('add')
  })

  it('under a condition whose answer was lost is in doubt where the file cannot be asked for', async () => {
    const { files } = exclusive([lost, conflict], { status: 500, body: '' })
    const error = await files.save('a', 'text').catch(reason => reason)
    expect(error).toMatchObject({ code: 'unavailable', outcome: 'unknown' })
  })
})

describe('dbx-3: a session', () => {
  const bytes = Buffer.alloc(2 * MIB_4 + 10, 'session')
  const wrong = (at: number, path = false): Scripted => {
    const inner = { '.tag': 'incorrect_offset', correct_offset: at }
    const error = path ? { '.tag': 'lookup_failed', lookup_failed: inner } : inner
    return { status: 409, body: JSON.stringify({ error }) }
  }

  /** A service that keeps what is sent, of which a script may deny any request. */
  const session = (deny: (asked: Asked, offset: number, stored: number) => Scripted | undefined) => {
    let stored = 0
    const sent: Array<[name: string, offset: number, size: number]> = []
    const files = scripted(
      asked => {
        const [name, arg, size] = [called(asked), argOf(asked), asked.body.byteLength]
        const { offset = 0 } = (arg['cursor'] ?? {}) as { offset?: number }
        sent.push([name.slice(name.lastIndexOf('/') + 1), offset, size])
        const denied = deny(asked, offset, stored)
        if (denied !== undefined) return denied
        if (offset !== stored && !name.endsWith('start')) return wrong(stored, name.endsWith('finish'))
        stored = offset + size
        if (name.endsWith('start')) return json({ session_id: 'sid' })
        if (!name.endsWith('finish'))
          return { status: 200, headers: { 'content-type': 'application/json' }, body: 'null' }
        const { content_hash: _, ...rest } = FILE
        return json({ ...rest, size: stored })
      },
      { maxAttempts: 3, fileOverwrite: true },
    )
    return { files, sent, keep: (size: number) => (stored += size) }
  }

  it('sends each byte once', async () => {
    const { files, sent } = session(() => undefined)
    await files.save('a', bytes)
    expect(sent).toEqual([
      ['start', 0, MIB_4],
      ['append_v2', MIB_4, MIB_4],
      ['finish', 2 * MIB_4, 10],
    ])
  })

  it('goes on at the offset that the service names, within what was sent', async () => {
    let isFirst = true
    const own = session((_, offset) => {
      if (!isFirst || offset !== MIB_4) return undefined
      isFirst = false
      own.keep(1_000_000)
      return wrong(MIB_4 + 1_000_000)
    })
    await own.files.save('a', bytes)
    expect(own.sent.slice(1)).toEqual([
      ['append_v2', MIB_4, MIB_4],
      ['append_v2', MIB_4 + 1_000_000, MIB_4 - 1_000_000],
      ['finish', 2 * MIB_4, 10],
    ])
  })

  it('whose part had arrived, though its answer was lost, does not send it again', async () => {
    let isFirst = true
    const own = session((asked, offset) => {
      if (!isFirst || offset !== MIB_4 || !called(asked).endsWith('append_v2')) return undefined
      isFirst = false
      own.keep(MIB_4)
      return { status: 500, body: '' }
    })
    await own.files.save('a', bytes)
    expect(own.sent.slice(1)).toEqual([
      ['append_v2', MIB_4, MIB_4],
      // How far it has got.
      ['append_v2', MIB_4, 0],
      ['finish', 2 * MIB_4, 10],
    ])
  })

  it('whose last bytes had arrived makes the file without them', async () => {
    let isFirst = true
    const own = session(asked => {
      if (!isFirst || !called(asked).endsWith('finish')) return undefined
      isFirst = false
      own.keep(10)
      return refusal('too_many_write_operations')
    })
    await own.files.save('a', bytes)
    expect(own.sent.filter(([name]) => name === 'finish')).toEqual([
      ['finish', 2 * MIB_4, 10],
      ['finish', 2 * MIB_4, 10],
      ['finish', 2 * MIB_4 + 10, 0],
    ])
  })

  it.each([
    ['behind what is still at hand', 5],
    ['beyond what was sent', 3 * MIB_4],
    ['where it was told to go on', MIB_4],
  ])('whose service names an offset %s ends with an error, after a bounded number of requests', async (_, offset) => {
    for (const step of ['append_v2', 'finish']) {
      const { files, sent } = session(asked =>
        called(asked).endsWith(step)
          ? wrong(step === 'finish' ? offset + MIB_4 : offset, step === 'finish')
          : undefined,
      )
      await expect(files.save('a', bytes)).rejects.toMatchObject({ code: 'unavailable' })
      expect(sent.length).toBeLessThan(30)
    }
  })

  it.each([
    ['no session', json({ session: 'x' })],
    ['an empty one', json({ session_id: '' })],
    ['a page', page],
  ])('that is begun by an answer with %s is none', async (_, answer) => {
    const { files } = session(asked => (called(asked).endsWith('start') ? answer : undefined))
    await expect(files.save('a', bytes)).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('whose append is answered by a page has not gone on', async () => {
    const { files, sent } = session((asked, offset) =>
      called(asked).endsWith('append_v2') && offset === MIB_4 && asked.body.byteLength > 0 ? page : undefined,
    )
    await expect(files.save('a', bytes)).rejects.toMatchObject({ code: 'unavailable' })
    expect(sent.some(([name]) => name === 'finish')).toBe(false)
  })
})

describe('a download', () => {
  const answer = (headers: Record<string, string>, body = 'text', status = 200): Scripted => ({ status, headers, body })
  const result = (file: object = FILE) => ({ 'dropbox-api-result': JSON.stringify(file) })
  const read = (said: Scripted, options = {}) => scripted(() => said).readBytes('a', options)

  it.each<[string, Scripted]>([
    ['no result', answer({ 'content-length': '4' })],
    ['a result that is none', answer({ 'dropbox-api-result': '<html>' })],
    ['a page', page],
    ['no revision', answer(result(without('rev')))],
    ['another path', answer(result({ ...FILE, path_lower: '/b' }))],
    ['another length', answer({ ...result(), 'content-length': '9' })],
    ['another status', answer(result(), 'text', 203)],
  ])('that is answered with %s gives no bytes', async (_, said) => {
    await expect(read(said)).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('with more or fewer bytes than the file has gives none', async () => {
    await expect(read(answer(result(), 'text and more'))).rejects.toMatchObject({ code: 'unknown' })
    // It is continued once, where the service has nothing either.
    await expect(read(answer(result(), 'tex'))).rejects.toMatchObject({ code: 'invalid_range' })
  })

  it('with other bytes than those that are stored is a checksum_mismatch', async () => {
    await expect(read(answer(result(), 'tact'))).rejects.toMatchObject({ code: 'checksum_mismatch' })
    const stream = scripted(() => answer({ ...result(), 'content-length': '4' }, 'tact')).createReadStream('a')
    await expect(stream.toArray()).rejects.toMatchObject({ code: 'checksum_mismatch' })
  })

  it('without a length, or a hash, gives the bytes', async () => {
    expect((await read(answer(result()))).toString()).toBe('text')
    expect((await read(answer(result(without('content_hash')), 'tact'))).toString()).toBe('tact')
  })

  it('of a range is checked against it', async () => {
    const part = { ...result(), 'content-range': 'bytes 1-2/4', 'content-length': '2' }
    expect((await read(answer(part, 'ex', 206), { start: 1, end: 3 })).toString()).toBe('ex')
    // The service ignored it.
    expect((await read(answer({ ...result(), 'content-length': '4' }), { start: 1, end: 3 })).toString()).toBe('ex')
    for (const range of ['bytes 0-1/4', 'bytes 1-2/9', 'bytes */4', 'lines 1-2/4'])
      await expect(read(answer({ ...part, 'content-range': range }, 'ex', 206), { start: 1, end: 3 })).rejects.toThrow()
  })

  it('of a name in raw UTF-8 is understood, as headers come byte by byte', async () => {
    const text = Buffer.from(JSON.stringify({ ...FILE, path_lower: '/ü' })).toString('latin1')
    const files = scripted(() => answer({ 'dropbox-api-result': text }))
    expect((await files.readBytes('ü')).toString()).toBe('text')
  })

  it('of an etag that has changed is precondition_failed, of a version that is none not_found', async () => {
    const files = scripted(() => answer(result()))
    await expect(files.readBytes('a', { etag: 'fedcba987' })).rejects.toMatchObject({ code: 'precondition_failed' })
    const asked = files.asked.length
    for (const versionId of ['', '../a', 'id:abc', '0123', 'ABCDEF0123456'])
      await expect(files.readBytes('a', { versionId })).rejects.toMatchObject({ code: 'not_found' })
    expect(files.asked).toHaveLength(asked)
  })
})
