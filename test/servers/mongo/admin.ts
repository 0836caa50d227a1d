import { type CommandSpec, documentOf, listOf, namespaceOf } from './context.ts'
import { MongoRefusal } from './errors.ts'
import { cursorAnswer, fits } from './reads.ts'
import type { Index } from './store.ts'
import type { Document } from './types.ts'

const MAX_WIRE_VERSION = 21
const HELLO = [
  'helloOk',
  'client',
  'compression',
  'loadBalanced',
  'saslSupportedMechs',
  'speculativeAuthenticate',
  'backpressure',
]

const hello: CommandSpec = {
  fields: HELLO,
  run: ({ state: { host } }) => ({
    helloOk: true,
    isWritablePrimary: true,
    ismaster: true,
    secondary: false,
    setName: 'rs0',
    setVersion: 1,
    hosts: [host],
    primary: host,
    me: host,
    maxBsonObjectSize: 16 * 1024 * 1024,
    maxMessageSizeBytes: 48_000_000,
    maxWriteBatchSize: 100_000,
    logicalSessionTimeoutMinutes: 30,
    localTime: new Date(),
    minWireVersion: 0,
    maxWireVersion: MAX_WIRE_VERSION,
    readOnly: false,
  }),
}

const buildInfo: CommandSpec = {
  fields: [],
  run: () => ({ version: '7.0.0', versionArray: [7, 0, 0, 0], maxBsonObjectSize: 16 * 1024 * 1024 }),
}

/** Commands on the server, collections, indexes and sessions. */
export const admin: Readonly<Record<string, CommandSpec>> = {
  hello,
  isMaster: hello,
  ismaster: hello,
  ping: { fields: [], run: () => ({}) },
  buildInfo,
  buildinfo: buildInfo,
  create: {
    fields: [],
    isTransactional: true,
    run({ command, state: { store } }) {
      const namespace = namespaceOf(command, 'create')
      if (store.collections.has(namespace))
        throw new MongoRefusal('NamespaceExists', `Collection ${namespace} already exists.`)
      store.collection(namespace)
      return {}
    },
  },
  drop: {
    fields: [],
    run({ command, state: { store } }) {
      const namespace = namespaceOf(command, 'drop')
      if (!store.collections.delete(namespace)) throw new MongoRefusal('NamespaceNotFound', 'ns not found')
      return { ns: namespace }
    },
  },
  dropDatabase: {
    fields: [],
    run({ command, state: { store } }) {
      for (const name of [...store.collections.keys()])
        if (name.startsWith(`${command.$db}.`)) store.collections.delete(name)
      return { dropped: command.$db }
    },
  },
  listCollections: {
    fields: ['filter', 'nameOnly', 'cursor', 'authorizedCollections'],
    run(call) {
      const { command, state } = call
      const filter = documentOf(command['filter'], 'listCollections.filter')
      const start = `${command.$db}.`
      const names = [...state.store.collections.keys()]
        .filter(name => name.startsWith(start))
        .map(name => name.slice(start.length))
      const found = names.map(name => ({ name, type: 'collection', options: {}, info: { readOnly: false } }))
      const shown = found.filter(entry => fits(entry, filter))
      return cursorAnswer(call, `${command.$db}.$cmd.listCollections`, shown, Number.POSITIVE_INFINITY)
    },
  },
  createIndexes: {
    fields: ['indexes', 'commitQuorum'],
    run({ command, state: { store } }) {
      const namespace = namespaceOf(command, 'createIndexes')
      const createdCollectionAutomatically = !store.collections.has(namespace)
      const { indexes } = store.collection(namespace)
      const numIndexesBefore = indexes.length
      for (const index of listOf(command['indexes'], 'createIndexes.indexes') as Index[]) {
        if (typeof index.name !== 'string' || typeof index.key !== 'object')
          throw new MongoRefusal('FailedToParse', 'an index has a name and a key')
        if (index['partialFilterExpression'] !== undefined)
          throw new MongoRefusal('BadValue', 'This server has no partial indexes')
        if (indexes.some(({ name }) => name === index.name)) continue
        store.checkIndex(namespace, index)
        indexes.push({ v: 2, ...index })
      }
      return { numIndexesBefore, numIndexesAfter: indexes.length, createdCollectionAutomatically }
    },
  },
  listIndexes: {
    fields: ['cursor'],
    run(call) {
      const namespace = namespaceOf(call.command, 'listIndexes')
      const collection = call.state.store.collections.get(namespace)
      if (collection === undefined) throw new MongoRefusal('NamespaceNotFound', `ns does not exist: ${namespace}`)
      return cursorAnswer(call, namespace, collection.indexes, Number.POSITIVE_INFINITY)
    },
  },
  dropIndexes: {
    fields: ['index'],
    run({ command, state: { store } }) {
      const { indexes } = store.collection(namespaceOf(command, 'dropIndexes'))
      const nIndexesWas = indexes.length
      const at = indexes.findIndex(({ name }) => name === command['index'])
      if (at < 1 && command['index'] !== '*')
        throw new MongoRefusal('IndexNotFound', `index not found with name [${command['index']}]`)
      if (at < 1) indexes.splice(1)
      else indexes.splice(at, 1)
      return { nIndexesWas }
    },
  },
  commitTransaction: {
    fields: ['recoveryToken'],
    isTransactional: true,
    run({ transaction, state: { store } }) {
      if (transaction === undefined) throw new MongoRefusal(125, 'commitTransaction must be run within a transaction')
      if (transaction.state === 'open') store.commit(transaction)
      return {}
    },
  },
  abortTransaction: {
    fields: ['recoveryToken'],
    isTransactional: true,
    run({ transaction, state: { store } }) {
      if (transaction === undefined) throw new MongoRefusal(125, 'abortTransaction must be run within a transaction')
      store.abort(transaction)
      return {}
    },
  },
  endSessions: {
    fields: [],
    run({ command, state: { sessions } }): Document {
      sessions.end(command['endSessions'] as unknown[])
      return {}
    },
  },
}
