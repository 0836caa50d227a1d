import type { ContainerDriver, ContainerPage, ContainerStat } from '../core/container-driver.ts'
import { type ErrorCode, StorageError } from '../core/errors.ts'
import { HttpStatusError } from './http-error.ts'

/** Requests about the containers of an account, in the words of one service. */
export interface ContainerProtocol extends ContainerDriver {
  /**
   * The code of a refusal, where it is another one than in a request for a file: that the container is missing is `not_found` here. Undefined: the
   * driver's own `classify` says it.
   */
  codeOf(error: HttpStatusError, method: ContainerMethod): ErrorCode | undefined
}

/** What is done to a container. */
export type ContainerMethod = 'create' | 'stat' | 'list' | 'delete'

/** The containers of a driver: the requests of its protocol, whose refusals get their code. */
export function containersOf(protocol: ContainerProtocol): ContainerDriver {
  const coded = async <T>(method: ContainerMethod, work: Promise<T>): Promise<T> => {
    try {
      return await work
    } catch (error) {
      throw withCode(error, each => protocol.codeOf(each, method))
    }
  }
  return {
    create: (name, ctx) => coded('create', protocol.create(name, ctx)),
    stat: (name, ctx) => coded('stat', protocol.stat(name, ctx)),
    list: (page, ctx) => coded('list', protocol.list(page, ctx)),
    delete: (name, ctx) => coded('delete', protocol.delete(name, ctx)),
  }
}

function withCode(error: unknown, codeOf: (error: HttpStatusError) => ErrorCode | undefined): unknown {
  return error instanceof HttpStatusError ? Object.assign(error, { code: codeOf(error) }) : error
}

/** A row of a listing of containers, in which a name may be missing. */
export interface ContainerRow extends Omit<ContainerStat, 'name'> {
  readonly name: string | undefined
}

/**
 * The page that a listing makes. A row without a name is left out, since it cannot be acted on, and the others can; `unavailable` where no row has
 * a name. An empty token is none.
 */
export function containerPage(rows: readonly ContainerRow[], next: string | undefined): ContainerPage {
  const containers = rows.filter((row): row is ContainerRow & ContainerStat => Boolean(row.name))
  if (rows.length > 0 && containers.length === 0) {
    throw new StorageError('unavailable', 'The listing has containers without names.', { outcome: 'not_applied' })
  }
  return { containers, next: next || undefined }
}

/** Entries that a request for one page of containers asks for: those that the caller wants, at most `most`. */
export function containerLimit({ limit }: { readonly limit?: number | undefined }, most: number): number {
  return limit === undefined ? most : Math.min(most, Math.max(1, limit))
}

/** Pages without an entry that are gone through to find one. */
const MAX_EMPTY_PAGES = 100

/**
 * Refuses to delete a container that holds a file, where the service would delete both: code `not_empty`. A file that is stored between this
 * question and the deletion is lost. `pageAfter` returns how many entries a page has; one entry is enough.
 */
export async function checkIsEmpty(
  name: string,
  pageAfter: (token: string | undefined) => Promise<{ readonly count: number; readonly next: string | undefined }>,
): Promise<void> {
  let token: string | undefined
  for (let pages = 0; pages < MAX_EMPTY_PAGES; pages++) {
    const { count, next } = await lookedUp(() => pageAfter(token))
    if (count > 0) {
      throw new StorageError('not_empty', `The container '${name}' is not empty, and was not deleted.`)
    }
    if (next === undefined) return
    if (next === token) break
    token = next
  }
  const text = `The listing of the container '${name}' does not go on, so that it is not known to be empty.`
  throw new StorageError('unavailable', text, { outcome: 'not_applied' })
}

/** Refuses to create a container that is there, where the service itself would answer with success: code `exists`. */
export async function checkIsMissing(name: string, stat: () => Promise<unknown>): Promise<void> {
  try {
    await lookedUp(stat)
  } catch (error) {
    // Also a container of another account: the service says so when it is asked to create it.
    if (error instanceof HttpStatusError && error.status < 500) return
    throw error
  }
  throw new StorageError('exists', `The container '${name}' is there already.`)
}

/** A look-up before a change: whatever it fails with, nothing was changed, so that the whole call may be made again. */
async function lookedUp<T>(look: () => Promise<T>): Promise<T> {
  try {
    return await look()
  } catch (error) {
    throw error instanceof Error ? Object.assign(error, { outcome: 'not_applied' as const }) : error
  }
}
