import { admin } from './admin.ts'
import { COMMON_FIELDS, type CommandSpec, type MongoState } from './context.ts'
import { MongoRefusal, refusalOf, TRANSIENT } from './errors.ts'
import { reads } from './reads.ts'
import type { Command, Document } from './types.ts'
import { writes } from './writes.ts'

const COMMANDS: ReadonlyMap<string, CommandSpec> = new Map(
  Object.entries({ ...admin, ...reads, ...writes, findandmodify: writes['findAndModify']! }),
)
const ENDS = new Set(['commitTransaction', 'abortTransaction'])

/** The name of a command: its first key. */
export function nameOf(command: Command): string {
  return Object.keys(command).find(key => key !== '$db') ?? ''
}

/** Carries out a command; its answer has `ok: 1`. An error in a transaction aborts it. */
export async function runCommand(command: Command, state: MongoState): Promise<Document> {
  const name = nameOf(command)
  const spec = COMMANDS.get(name)
  if (spec === undefined) throw new MongoRefusal('CommandNotFound', `no such command: '${name}'`)
  for (const field of Object.keys(command)) {
    if (field === name || COMMON_FIELDS.has(field) || spec.fields.includes(field)) continue
    throw new MongoRefusal('IDLUnknownField', `BSON field '${name}.${field}' is an unknown field.`)
  }
  const transaction = state.sessions.transactionOf(name, command)
  if (transaction !== undefined && !spec.isTransactional) {
    throw new MongoRefusal(
      'OperationNotSupportedInTransaction',
      `Cannot run '${name}' in a multi-document transaction.`,
    )
  }
  const run = async (): Promise<Document> => {
    try {
      const answer = await spec.run({ state, command, transaction })
      if (transaction !== undefined && 'writeErrors' in answer) state.store.abort(transaction)
      return { ...answer, ok: 1 }
    } catch (error) {
      if (transaction !== undefined && !ENDS.has(name)) state.store.abort(transaction)
      throw error
    }
  }
  return spec.isWrite ? state.sessions.once(command, run) : run()
}

/** The answer that says what went wrong. */
export function errorAnswer(error: unknown, command: Command): Document {
  const { message, code, codeName, labels, details } = refusalOf(error)
  const isInTransaction = command['autocommit'] === false
  const shown = labels.filter(label => label !== TRANSIENT || isInTransaction)
  return { ok: 0, errmsg: message, code, codeName, ...details, ...(shown.length > 0 && { errorLabels: shown }) }
}
