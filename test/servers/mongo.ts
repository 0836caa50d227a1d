/**
 * A MongoDB server in memory, for tests: OP_MSG over TCP, one member of a replica set, so that drivers allow transactions. What it does not know
 * it refuses with the code that MongoDB has for it.
 */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { MongoState } from './mongo/context.ts'
import { faultError, type MongoFault, MongoFaults } from './mongo/faults.ts'
import { errorAnswer, nameOf, runCommand } from './mongo/run.ts'
import { Sessions } from './mongo/sessions.ts'
import { Store } from './mongo/store.ts'
import type { Document } from './mongo/types.ts'
import { answerBytes, type Message, MessageReader } from './mongo/wire.ts'

export type { MongoFault }

/** A running server. */
export interface MongoServer extends AsyncDisposable {
  /** `mongodb://127.0.0.1:PORT/test?replicaSet=rs0`. */
  readonly url: string
  /** The names of the commands so far, without those by which drivers watch a server; empty it with `log.length = 0`. */
  readonly log: string[]
  /** Makes the next command of a name go wrong. */
  fail(fault: MongoFault): void
  /** Forgets the faults that have not come yet. */
  heal(): void
  /** The committed documents of a collection of the database `test`. */
  documents(collection: string): readonly Document[]
  close(): Promise<void>
}

const WATCHING = new Set(['hello', 'isMaster', 'ismaster', 'ping', 'endSessions'])

/** Starts a server on a free loopback port. */
export async function startMongo(): Promise<MongoServer> {
  const store = new Store()
  const state: MongoState = { store, sessions: new Sessions(store), cursors: new Map(), host: '' }
  const faults = new MongoFaults()
  const log: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    const reader = new MessageReader()
    let last = Promise.resolve()
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', bytes => {
      try {
        for (const message of reader.push(bytes)) last = last.then(() => answer(socket, message))
      } catch {
        socket.destroy()
      }
    })
  })

  async function answer(socket: Socket, message: Message): Promise<void> {
    const name = nameOf(message.command)
    if (!WATCHING.has(name)) log.push(name)
    const fault = faults.next(name)
    await fault?.until
    let found: Document
    try {
      if (fault !== undefined && !fault.isDone && fault.until === undefined) throw faultError(fault)
      found = await runCommand(message.command, state)
      if (fault?.code !== undefined) throw faultError(fault)
    } catch (error) {
      found = errorAnswer(error, message.command)
    }
    if (fault !== undefined && fault.code === undefined && fault.until === undefined) socket.destroy()
    if (!socket.destroyed && !message.isSilent) socket.write(answerBytes(message, found))
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  state.host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy()
    if (!server.listening) return
    server.close()
    await once(server, 'close')
  }
  return {
    url: `mongodb://${state.host}/test?replicaSet=rs0`,
    log,
    fail: fault => faults.add(fault),
    heal: () => faults.clear(),
    documents: collection => [...store.view(`test.${collection}`, undefined).values()],
    close,
    [Symbol.asyncDispose]: close,
  }
}
