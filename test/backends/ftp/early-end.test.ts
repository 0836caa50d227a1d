import { createServer, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { FtpStorage } from '../../../src/backends/ftp/index.ts'
import { freePort } from '../../servers/free-port.ts'

/** A server whose empty listing is over before its 150 is sent: nothing but the end comes, and nobody waits for it yet. */
async function startQuickServer(): Promise<{ port: number; close(): void }> {
  const sockets = new Set<Socket>()
  const server = createServer(control => {
    sockets.add(control)
    let data: Promise<Socket> | undefined
    const say = (text: string): void => void control.write(`${text}\r\n`)
    const run = async (line: string): Promise<void> => {
      const [verb] = line.split(' ')
      if (verb === 'USER') say('230 In.')
      else if (verb === 'TYPE') say('200 Done.')
      else if (verb === 'CWD') say('250 Done.')
      else if (verb === 'EPSV') {
        const { promise, resolve } = Promise.withResolvers<Socket>()
        const listener = createServer(socket => {
          listener.close()
          resolve(socket)
        })
        data = promise
        const dataPort = await freePort()
        listener.listen(dataPort, '127.0.0.1', () => say(`229 Here (|||${dataPort}|)`))
      } else if (verb === 'LIST') {
        const socket = await data!
        const over = new Promise(resolve => socket.once('close', resolve))
        socket.resume().end()
        await over
        say('150 Here it comes.')
        say('226 Done.')
      } else say('502 Unknown.')
    }
    control.on('error', () => {})
    control.on('data', chunk => {
      for (const line of String(chunk).split('\r\n')) if (line !== '') void run(line)
    })
    say('220 Hello.')
  })
  const port = await freePort()
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
  return {
    port,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

test('an empty listing whose data connection ends before the answer is empty', async () => {
  const server = await startQuickServer()
  const location = `ftp://u:p@127.0.0.1:${server.port}/`
  const files = new FtpStorage({ location, maxAttempts: 1 }, { settings: {}, env: {} })
  try {
    expect(await files.listdir('folder')).toEqual([[], []])
  } finally {
    await files.close()
    server.close()
  }
})
