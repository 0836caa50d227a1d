import { MongoRefusal } from './errors.ts'
import type { Sessions } from './sessions.ts'
import type { Store } from './store.ts'
import type { Transaction } from './transaction.ts'
import type { Command, Document } from './types.ts'

/** Documents that a cursor still has to return. */
export interface OpenCursor {
  readonly namespace: string
  rest: readonly Document[]
}

/** What commands work with. */
export interface MongoState {
  readonly store: Store
  readonly sessions: Sessions
  readonly cursors: Map<number, OpenCursor>
  /** `127.0.0.1:27017`, as a member of its replica set. */
  host: string
}

/** One command that is being carried out. */
export interface Call {
  readonly state: MongoState
  readonly command: Command
  readonly transaction: Transaction | undefined
}

/** How a command is carried out, and what may be in it besides what every command may have. */
export interface CommandSpec {
  readonly fields: readonly string[]
  /** Whether it may run in a transaction. */
  readonly isTransactional?: boolean
  /** Whether it changes data, and is done once if it is sent twice. */
  readonly isWrite?: boolean
  run(call: Call): Document | Promise<Document>
}

/** What every command may have. */
export const COMMON_FIELDS: ReadonlySet<string> = new Set([
  '$db',
  '$readPreference',
  '$clusterTime',
  'lsid',
  'txnNumber',
  'autocommit',
  'startTransaction',
  'readConcern',
  'writeConcern',
  'maxTimeMS',
  'comment',
])

/** `database.collection` of a command whose first field names a collection. */
export function namespaceOf(command: Command, field: string): string {
  const name = command[field]
  if (typeof name !== 'string' || name === '') {
    throw new MongoRefusal('InvalidNamespace', `collection name has invalid type ${typeof name} for '${field}'`)
  }
  return `${command.$db}.${name}`
}

/** A field that must have a type, if it is there. */
export function documentOf(value: unknown, field: string): Document {
  if (value === undefined) return {}
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Document
  throw new MongoRefusal(
    'TypeMismatch',
    `BSON field '${field}' is the wrong type '${typeof value}', expected type 'object'`,
  )
}

/** A list of documents that must not be empty. */
export function listOf(value: unknown, field: string): readonly Document[] {
  if (!Array.isArray(value))
    throw new MongoRefusal('IDLFailedToParse', `BSON field '${field}' is missing but a required field`)
  if (value.length > 0) return value
  throw new MongoRefusal('InvalidOptions', `Write batch sizes must be between 1 and 100000. Got 0 operations.`)
}

/** Refuses what an entry of a command must not have. */
export function checkFields(entry: Document, fields: readonly string[], where: string): void {
  for (const field of Object.keys(entry)) {
    if (!fields.includes(field))
      throw new MongoRefusal('IDLUnknownField', `BSON field '${where}.${field}' is an unknown field.`)
  }
}
