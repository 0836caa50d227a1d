import type { ContainerDriver, ContainerPage, ContainerStat } from '../core/container-driver.ts'
import { type ErrorCode, StorageError } from '../core/errors.ts'
import { HttpStatusError } from './http-error.ts'

/** Requests about the containers of an account, for one service. */
export interface ContainerProtocol extends ContainerDriver {
  /**
   * The code of a refused request, if it differs from the code in a request for a file: a missing container is `not_found` here. Undefined:
   * the driver's own `classify` decides.
   */
  codeOf(error: HttpStatusError, method: ContainerMethod): ErrorCode | undefined
}

/** The operations on a container. */
export type ContainerMethod = 'create' | 'stat' | 'list' | 'delete'

/** The containers of a driver: the requests of its protocol, with codes for refusals. */
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
 * The page of a listing. A row without a name is left out, since callers cannot use it. Code `unavailable` if no row has a name. An empty
 * token means that there is no next page.
 */
export function containerPage(rows: readonly ContainerRow[], next: string | undefined): ContainerPage {
  const containers = rows.filter((row): row is ContainerRow & ContainerStat => Boolean(row.name))
  if (rows.length > 0 && containers.length === 0) {
    throw new StorageError('unavailable', 'The listing has containers without names.', { outcome: 'not_applied' })
  }
  return { containers, next: next || undefined }
}

/** The number of containers to request for one page: the caller's limit, at most `most`. */
export function containerLimit({ limit }: { readonly limit?: number | undefined }, most: number): number {
  return limit === undefined ? most : Math.min(most, Math.max(1, limit))
}

/** Maximum number of empty pages to read while looking for an entry. */
const MAX_EMPTY_PAGES = 100

/**
 * Refuses to delete a container that has a file, for services that would delete both: code `not_empty`. A file that is stored between this
 * check and the deletion is lost. `pageAfter` returns how many entries a page has; one entry is enough.
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
  const text = `The listing of the container '${name}' cannot continue, so it is unknown whether the container is empty.`
  throw new StorageError('unavailable', text, { outcome: 'not_applied' })
}

/** Refuses to create a container that exists, for services that would report success: code `exists`. */
export async function checkIsMissing(name: string, stat: () => Promise<unknown>): Promise<void> {
  try {
    await lookedUp(stat)
  } catch (error) {
    // The name may also belong to another account: the service then refuses the creation.
    if (error instanceof HttpStatusError && error.status < 500) return
    throw error
  }
  throw new StorageError('exists', `The container '${name}' already exists.`)
}

/** A look-up before a change. If it fails, nothing was changed, so the whole call may be repeated. */
async function lookedUp<T>(look: () => Promise<T>): Promise<T> {
  try {
    return await look()
  } catch (error) {
    throw error instanceof Error ? Object.assign(error, { outcome: 'not_applied' as const }) : error
  }
}
