import { connect } from 'node:net'
import { createServer } from 'node:tls'
import { describe, expect, onTestFinished, test } from 'vitest'
import { makeIdentity, serveProxy } from '../../http/support.ts'
import { outcomeOf, type Place } from './place.ts'
import type { DjangoSettings } from './python.ts'

/** Proxies and certificates. */
export function describeConnections(place: Place): void {
  /** Saves by both and reads each the other's; gives how they failed, if they did. */
  async function exchange(settings: DjangoSettings): Promise<unknown[]> {
    const env = { AWS_MAX_ATTEMPTS: '1' }
    await using storage = place.holdall(settings)
    const theirs = await outcomeOf(async () => {
      await place.django.ask('save', { settings, env }, { name: 'theirs', content: Buffer.from('content') })
      return String(await place.django.ask('read', { settings, env }, { name: 'theirs', mode: 'rb' }))
    })
    const ours = await outcomeOf(async () => {
      await storage.save('ours', 'content')
      await using file = await storage.open('ours', 'r')
      return await file.read()
    })
    await place.empty()
    return [theirs, ours]
  }

  describe('a connection', () => {
    test('goes through AWS_S3_PROXIES', async () => {
      await using proxy = await serveProxy()
      const settings = place.settings({ AWS_S3_PROXIES: { http: proxy.url } })
      expect(await exchange(settings)).toEqual(['content', 'content'])
      const targets = proxy.asked.map(({ method, target }) => `${method} ${target}`)
      const { url } = place.server
      expect(targets).toContain(`PUT ${url}/${place.bucket}/theirs`)
      expect(targets).toContain(`PUT ${url}/${place.bucket}/ours`)
    })

    test('trusts what AWS_S3_VERIFY says', async () => {
      using identity = makeIdentity()
      const port = await tlsBefore(place.server.port, identity)
      const settings = place.settings({ AWS_S3_ENDPOINT_URL: `https://localhost:${port}` })
      const [theirs, ours] = await exchange(settings)
      expect(theirs).toEqual({ refused: 'SSLError' })
      expect(ours).toEqual({ refused: 'unavailable' })
      expect(await exchange({ ...settings, AWS_S3_VERIFY: false })).toEqual(['content', 'content'])
      expect(await exchange({ ...settings, AWS_S3_VERIFY: identity.certPath })).toEqual(['content', 'content'])
    })
  })
}

/** TLS in front of a plain server, until the test ends. */
async function tlsBefore(port: number, { key, cert }: { key: Buffer; cert: Buffer }): Promise<number> {
  const server = createServer({ key, cert }, socket => {
    const onward = connect(port, '127.0.0.1')
    socket.pipe(onward).pipe(socket)
    socket.on('error', () => onward.destroy())
    onward.on('error', () => socket.destroy())
    onTestFinished(() => {
      socket.destroy()
      onward.destroy()
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return (server.address() as { port: number }).port
}
