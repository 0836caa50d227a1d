import { nodeCrypto } from '../core/builtin.ts'
import { isStorageError } from '../core/errors.ts'
import { serviceCodeOf } from '../remote/codes.ts'
import { partsOf } from '../storage/parts.ts'
import type { AnyStorage } from '../storage/storage.ts'
import { explained } from './place-advice.ts'

/** The result of a step. `anonymous`: the service answered, but no credentials were sent that it could have rejected. */
export type StepState = 'ok' | 'failed' | 'anonymous' | 'not asked'

/** One step of the test of a storage. */
export interface Step {
  readonly name: string
  readonly state: StepState
  /** Null if it is unknown. */
  readonly ok: boolean | null
  readonly ms?: number
  readonly error?: unknown
  readonly note?: string
}

/** Options of the test. */
export interface ProbeOptions {
  readonly signal: AbortSignal
  /** Whether the test only connects. */
  readonly isDryRun: boolean
}

const PROBE = 'holdall-check-'
const STEPS = ['write', 'read', 'list', 'url', 'delete'] as const
/** Service messages about invalid credentials, also with status 403. */
const NOT_ACCEPTED =
  /InvalidAccessKey|SignatureDoesNotMatch|ExpiredToken|InvalidToken|InvalidSecurity|TimeTooSkewed|AuthenticationFailed|InvalidAuthentication|NoAuthentication|RequestExpired/i

/** Tests a storage with a file that is removed again. */
export async function probe(storage: AnyStorage, { signal, isDryRun }: ProbeOptions): Promise<Step[]> {
  const steps: Step[] = []
  const step = async (name: string, work: () => unknown): Promise<boolean> => {
    const started = performance.now()
    const ms = () => Math.round(performance.now() - started)
    try {
      await work()
      steps.push({ name, state: 'ok', ok: true, ms: ms() })
      return true
    } catch (error) {
      const took = ms()
      const isTls = await answersByTls(error, signal)
      steps.push({ name, state: 'failed', ok: false, ms: took, error: plain(explained(storage, error, isTls)) })
      return false
    }
  }
  const folder = `${PROBE}${nodeCrypto().randomUUID()}`
  let name = `${folder}/probe.txt`
  let refusal: unknown
  const connect = async () => {
    refusal = await reach(storage, folder, name, signal)
    if (isDryRun && refusal !== undefined) throw refusal
  }
  if (!(await step('connect', connect))) return steps
  if (isAnonymous(storage)) {
    const note = 'no credentials were sent, so none were accepted'
    steps[0] = { ...steps[0]!, state: 'anonymous', ok: null, note }
  }
  if (isDryRun) return [...steps, ...STEPS.map((each): Step => ({ name: each, state: 'not asked', ok: null }))]
  if (storage.options.readOnly) {
    await step('list', () => storage.entries('', { signal }).next())
    return settled(storage, steps, refusal)
  }
  const bytes = Buffer.from(`Written by 'holdall check', which removes it again. ${folder}\n`)
  const write = async () => {
    await storage.discover({ signal })
    name = await storage.save(name, bytes, { signal })
  }
  if (!(await step('write', write))) {
    await remove(storage, name, folder).catch(() => {}) // It is unknown whether a part of it was done.
    return settled(storage, steps, refusal)
  }
  try {
    await step('read', () => readBack(storage, name, bytes, signal))
    await step('list', () => findListed(storage, folder, name, signal))
    await step('url', () => urlOf(storage, name, signal))
  } finally {
    await step('delete', () => remove(storage, name, folder))
  }
  return settled(storage, steps, refusal)
}

/** If a service rejected the first requests but carried out another one, it has accepted the credentials. */
function settled(storage: AnyStorage, steps: readonly Step[], refusal: unknown): Step[] {
  const [connect, next, ...rest] = steps
  if (refusal === undefined || next?.ok !== false) return [...steps]
  const error = plain(explained(storage, refusal))
  return [{ ...connect!, state: 'failed', ok: false, error }, next, ...rest]
}

/**
 * Requests a file and a folder that do not exist. Returns the rejection of a service that was reached and may only lack a permission; an
 * error about the credentials, and any other one, is thrown.
 */
async function reach(storage: AnyStorage, folder: string, name: string, signal: AbortSignal): Promise<unknown> {
  try {
    await storage.exists(name, { signal })
  } catch (error) {
    if (!mayMissRight(error)) throw error
  }
  // The answer to a HEAD has no message, and any server answers 404 for the name of a file.
  try {
    for await (const _ of storage.entries(folder, { signal })) break
  } catch (error) {
    if (isMissing(error) && createsContainer(storage)) return undefined
    if (!mayMissRight(error)) throw error
    return error
  }
  return undefined
}

/** Whether a rejection does not prove invalid credentials. */
function mayMissRight(error: unknown): boolean {
  return (
    isStorageError(error, 'permission_denied') && error.status === 403 && !NOT_ACCEPTED.test(serviceCodeOf(error) ?? '')
  )
}

/** Whether a service may have reported that the storage's container is missing. */
export function isMissing(error: unknown): boolean {
  const { code, status } = (error ?? {}) as { code?: unknown; status?: unknown }
  return code === 'improperly_configured' && status === 404
}

function createsContainer({ options }: AnyStorage): boolean {
  return Object.entries(options as object).some(([name, value]) => /^autoCreate(Bucket|Container)$/.test(name) && value)
}

/** Maximum time in milliseconds for a handshake. */
const HANDSHAKE_MS = 3000

/** Whether the port of an http address that closed the connection speaks TLS. Sends only a handshake. */
async function answersByTls(error: unknown, signal: AbortSignal): Promise<boolean> {
  if (!isStorageError(error, 'unavailable')) return false
  const found = /http:\/\/(\[[\da-f:]+\]|[^/\s?:]+)(?::(\d+))?/i.exec(error.message)
  if (found === null || signal.aborted) return false
  const { connect } = await import('node:tls')
  const [, host = '', port = '80'] = found
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect({ host: host.replace(/[[\]]/g, ''), port: Number(port), rejectUnauthorized: false })
  socket.once('secureConnect', () => resolve(true))
  socket.once('error', () => resolve(false))
  socket.setTimeout(HANDSHAKE_MS, () => resolve(false))
  try {
    return await promise
  } finally {
    socket.destroy()
  }
}

/** Whether requests carry no credentials. */
function isAnonymous(storage: AnyStorage): boolean {
  const { signatureVersion, credentials, tokenCredential } = storage.options as Readonly<Record<string, unknown>>
  if (signatureVersion === 'unsigned' || credentials === 'anonymous') return true
  const { accountKey, sasToken, connectionString } = storage.options as Readonly<Record<string, unknown>>
  const isAzure = tokenCredential === null && accountKey === null && sasToken === null && connectionString === null
  return isAzure && (storage.options as { isEmulated?: unknown }).isEmulated !== true
}

async function readBack(storage: AnyStorage, name: string, bytes: Buffer, signal: AbortSignal): Promise<void> {
  if (!(await storage.readBytes(name, { signal })).equals(bytes))
    throw new Error('other bytes were read than were written')
  const size = await storage.size(name, { signal })
  if (size !== bytes.byteLength) throw new Error(`the reported size is ${size} instead of ${bytes.byteLength} bytes`)
}

async function findListed(storage: AnyStorage, folder: string, name: string, signal: AbortSignal): Promise<void> {
  for await (const entry of storage.entries(folder, { signal })) if (entry.name === name) return
  throw new Error('the listing lacks the file that was written')
}

async function urlOf(storage: AnyStorage, name: string, signal: AbortSignal): Promise<void> {
  try {
    await storage.url(name, { signal })
  } catch (error) {
    // A manifest, which was read now, has no entry for the probe.
    const isUnlisted = isStorageError(error, 'not_found') && storage.staticFiles?.manifest !== undefined
    if (!isUnlisted && !isStorageError(error, 'unsupported')) throw error
  }
}

async function remove(storage: AnyStorage, name: string, folder: string): Promise<void> {
  await storage.delete(name)
  if (await storage.exists(name)) throw new Error('the file is still there after it was deleted')
  if (hasFolders(storage)) await storage.delete(folder)
}

/** Returns an error for the report. */
export function plain(error: unknown): unknown {
  if (isStorageError(error)) return error.toJSON()
  return { message: error instanceof Error ? error.message : String(error) }
}

/** Whether a storage, or one of those that it is made of, has folders on this machine. */
function hasFolders(storage: AnyStorage): boolean {
  return storage.supports('path') || partsOf(storage).some(hasFolders)
}
