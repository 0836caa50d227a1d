/** A port whose connections are never accepted, so that connecting to it takes for ever, as behind a firewall that drops. */
import { connect, type Socket } from 'node:net'
import { Child } from '../support/child.ts'

/** How many connections fill the line of those that wait, at most. */
const MOST = 64

const PROGRAM = `
const server = require('node:net').createServer()
server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log('port ' + server.address().port))
`

/** Listens in a process that is then stopped, and fills its line. */
export async function startDeafPort(): Promise<{ port: number } & AsyncDisposable> {
  const child = new Child(process.execPath, ['-e', PROGRAM])
  const [, digits] = await child.printed(/port (\d+)\n/)
  const port = Number(digits)
  child.process.kill('SIGSTOP')
  const sockets: Socket[] = []
  // The one that gets no answer while the next turns pass is the first that waits outside.
  for (let isFull = false; !isFull && sockets.length < MOST; ) {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    sockets.push(socket)
    isFull = !(await connected(socket))
  }
  return {
    port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await child.kill('SIGKILL')
    },
  }
}

/** On loopback a connection that is let in stands at once. */
async function connected(socket: Socket): Promise<boolean> {
  for (let turn = 0; turn < 50 && socket.connecting; turn++) await new Promise(resolve => setTimeout(resolve, 1))
  return !socket.connecting
}
