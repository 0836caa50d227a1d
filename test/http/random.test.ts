import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { drain, readBytes } from '../../src/core/body.ts'
import { NodeClient } from '../../src/http/node-client.ts'
import { context, serveTcp } from './support.ts'

/** Numbers below `n` that look like chance and are the same for the same seed. */
function numbers(seed: number): (n: number) => number {
  let state = seed
  return n => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * n)
  }
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate)
}

/** The body of the answer to request `id`, unlike that of any other. */
function bodyOf(id: number, size: number): Buffer {
  return Buffer.from(`<${id}>`.repeat(size)).subarray(0, size)
}

const HEAD = /^(\w+) \/(\d+)\?size=(\d+)[\s\S]*?\r\n\r\n/

/** Answers in every framing and in pieces, before or after the request's body; resets, ends or cuts off some. */
function misbehave(socket: Socket, below: (n: number) => number): void {
  let got = ''
  const request = async (): Promise<boolean> => {
    const head = HEAD.exec(got)
    if (head === null) return false
    const [text, method, id, size] = head
    const chunked = /transfer-encoding/i.test(text)
    const length = text.length + Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0)
    const end = (): number => (chunked ? got.indexOf('0\r\n\r\n', text.length) + 5 : length)
    const whole = async (): Promise<void> => {
      while (!socket.destroyed && (chunked ? end() === 4 : got.length < length)) await turns(1)
    }
    const early = below(4) === 0
    if (!early) await whole()
    if (below(20) === 0) socket.write('HTTP/1.1 103 Early Hints\r\n\r\n')
    const framing = ['length', 'chunked', 'length', 'chunked', 'close'][below(5)]!
    const body = bodyOf(Number(id), Number(size))
    const pieces = [`HTTP/1.1 ${early && below(2) ? 403 : 200} X\r\nx-id: ${id}\r\n`]
    if (framing === 'length') pieces.push(`content-length: ${size}\r\n\r\n`)
    else pieces.push(framing === 'close' ? 'connection: close\r\n\r\n' : 'transfer-encoding: chunked\r\n\r\n')
    for (let at = 0; at < body.length && method !== 'HEAD'; ) {
      const piece = body.toString('latin1', at, (at += 1 + below(below(2) ? 20 : 40_000)))
      pieces.push(framing === 'chunked' ? `${piece.length.toString(16)}\r\n${piece}\r\n` : piece)
    }
    if (framing === 'chunked' && method !== 'HEAD') pieces.push('0\r\n\r\n')
    const last = below(20) === 0 ? below(pieces.length) : -1
    for (const [at, piece] of pieces.entries()) {
      if (at === last) {
        if (framing === 'close' || below(2)) socket.resetAndDestroy()
        else socket.destroy()
      }
      if (socket.destroyed) return false
      socket.write(piece)
      if (below(4) === 0) await turns(below(3))
    }
    if (framing === 'close' || below(20) === 0) {
      socket.end()
      return false
    }
    await whole()
    got = got.slice(end())
    return !socket.destroyed
  }
  let busy = false
  socket.on('data', async bytes => {
    got += bytes.toString('latin1')
    if (busy) return
    busy = true
    while (await request());
    busy = false
  })
}

test.each<[number, number]>([
  [1, Number.POSITIVE_INFINITY],
  [2, 4],
  [3, 1],
  // With these, early answers were once waited for without end.
  ...[102, 104, 114, 132].map((seed): [number, number] => [seed, Number.POSITIVE_INFINITY]),
])(
  'seed %i, %d connections: every request gets its own answer or an error, and nothing is left',
  async (seed, maxSockets) => {
    const below = numbers(seed)
    await using server = await serveTcp(socket => misbehave(socket, below))
    const transport = new NodeClient({ maxSockets })
    const listening = new Set<AbortSignal>()
    const seen = { answers: 0, errors: 0 }
    const one = async (id: number): Promise<void> => {
      const method = ['GET', 'HEAD', 'PUT', 'POST'][below(4)]!
      const size = [0, 1, 1000, 100_000][below(4)]!
      const pieces = Array.from({ length: method === 'PUT' || method === 'POST' ? below(9) : 0 }, () =>
        Buffer.alloc(1 + below(60_000), 'b'),
      )
      const source = async function* () {
        for (const piece of pieces) {
          yield piece
          if (below(20) === 0) throw Object.assign(new Error('mine'), { code: 'MINE' })
          await turns(below(12))
        }
      }
      const body = pieces.length > 0 && below(2) ? Readable.from(source()) : pieces
      const controller = new AbortController()
      const { signal } = controller
      signal.addEventListener = (...rest: Parameters<AbortSignal['addEventListener']>) => {
        listening.add(signal)
        AbortSignal.prototype.addEventListener.apply(signal, rest)
      }
      signal.removeEventListener = (...rest: Parameters<AbortSignal['removeEventListener']>) => {
        listening.delete(signal)
        AbortSignal.prototype.removeEventListener.apply(signal, rest)
      }
      if (below(10) === 0) turns(below(20)).then(() => controller.abort())
      const url = `${server.url}/${id}?size=${size}`
      try {
        const answer = await transport.request({ method, url, headers: {}, body }, context(signal))
        expect(answer.headers['x-id']).toBe(String(id))
        await turns(below(5))
        const way = below(6)
        if (way === 0) answer.body.stream().destroy()
        else if (way === 1) await drain(answer)
        else expect((await readBytes(answer)).equals(bodyOf(id, method === 'HEAD' ? 0 : size))).toBe(true)
        seen.answers++
      } catch (error) {
        expect(['unavailable', 'aborted', 'MINE']).toContain((error as { code?: unknown }).code)
        seen.errors++
      }
    }
    let next = 0
    const work = async (): Promise<void> => {
      while (next < 200) await one(next++)
    }
    await Promise.all(Array.from({ length: 16 }, work))
    expect(seen.answers).toBeGreaterThan(100)
    expect(seen.errors).toBeGreaterThan(10)
    await transport.close()
    while (server.sockets.some(socket => !socket.destroyed) || listening.size > 0) await turns(1)
  },
)
