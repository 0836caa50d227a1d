/** Codes of MongoDB that the server answers with (src/mongo/base/error_codes.yml of MongoDB). */
const CODES = {
  BadValue: 2,
  FailedToParse: 9,
  TypeMismatch: 14,
  NamespaceNotFound: 26,
  IndexNotFound: 27,
  CursorNotFound: 43,
  NamespaceExists: 48,
  CommandNotFound: 59,
  ImmutableField: 66,
  InvalidOptions: 72,
  InvalidNamespace: 73,
  WriteConflict: 112,
  TransactionTooOld: 225,
  NoSuchTransaction: 251,
  TransactionCommitted: 256,
  OperationNotSupportedInTransaction: 263,
  DuplicateKey: 11000,
  IDLFailedToParse: 40414,
  IDLUnknownField: 40415,
} as const

/** Name of a code. */
export type CodeName = keyof typeof CODES

/** What makes the driver run a whole transaction again. */
export const TRANSIENT = 'TransientTransactionError'

/** An answer with `ok: 0`, or an entry of `writeErrors`. */
export class MongoRefusal extends Error {
  readonly code: number
  readonly codeName: string
  readonly labels: readonly string[]
  readonly details: Readonly<Record<string, unknown>>

  constructor(
    code: CodeName | number,
    message: string,
    options: { readonly labels?: readonly string[]; readonly details?: Readonly<Record<string, unknown>> } = {},
  ) {
    super(message)
    this.code = typeof code === 'number' ? code : CODES[code]
    this.codeName = typeof code === 'number' ? nameOf(code) : code
    this.labels = options.labels ?? []
    this.details = options.details ?? {}
  }
}

function nameOf(code: number): string {
  return Object.entries(CODES).find(([, value]) => value === code)?.[0] ?? `Location${code}`
}

/** A write that meets one of a transaction that has not ended. */
export function writeConflict(): MongoRefusal {
  const message =
    'Caused by :: Write conflict during plan execution and yielding is disabled. Please retry your operation.'
  return new MongoRefusal('WriteConflict', message, { labels: [TRANSIENT] })
}

/** What `mingo` throws has no code: unknown operators and bad operands are both BadValue in MongoDB, or nearly so. */
export function refusalOf(error: unknown): MongoRefusal {
  if (error instanceof MongoRefusal) return error
  const message = error instanceof Error ? error.message : String(error)
  if (/^unregistered pipeline operator/.test(message))
    return new MongoRefusal(40324, `Unrecognized pipeline stage name: ${message}`)
  if (/^Unknown update operator/.test(message)) return new MongoRefusal('FailedToParse', message)
  return new MongoRefusal('BadValue', message)
}
