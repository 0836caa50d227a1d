import type { CallContext } from '../../core/call.ts'
import type { ContainerPage, ContainerStat } from '../../core/container-driver.ts'
import { type ErrorCode, StorageError } from '../../core/errors.ts'
import { textOf } from '../../remote/answers.ts'
import {
  type ContainerMethod,
  type ContainerProtocol,
  type ContainerRow,
  checkIsEmpty,
  containerPage,
} from '../../remote/containers.ts'
import { dateOf } from '../../remote/headers.ts'
import type { HttpStatusError } from '../../remote/http-error.ts'
import { encodeComponent } from '../../remote/sign/encode.ts'
import type { NimbusClient, NimbusRequest } from './client.ts'
import { Listing } from './listing.ts'
import { collectionProblem } from './names.ts'

type Fields = Readonly<Record<string, unknown>>

/** The collections of the account. (nimbus.io developer's guide, "Collections") */
export class Collections implements ContainerProtocol {
  readonly #client: NimbusClient

  constructor(client: NimbusClient) {
    this.#client = client
  }

  /** Makes a collection. Code `exists` for a name that this user or another one has; names are unique across all users. */
  async create(name: string, ctx: CallContext): Promise<void> {
    const problem = /^(?:dd|rr)-/.test(name) ? "begins with no 'dd-' and no 'rr-'" : collectionProblem(name)
    if (problem !== undefined)
      throw new StorageError('invalid_argument', `The name of a collection ${problem}: '${name}'.`)
    const query = [['action', 'create'] as const, ['name', name] as const]
    const expected = { statuses: [200, 201], fields: ['name'] }
    const request = { ...this.#request('POST'), query, expected, conflicts: [409] }
    const { name: made } = await this.#client.json<Fields>(request, ctx)
    if (made !== name) throw other(name, 'unknown')
  }

  /** A 409 is also sent for bad names, but the name was checked before. */
  codeOf({ status }: HttpStatusError, method: ContainerMethod): ErrorCode | undefined {
    return method === 'create' && status === 409 ? 'exists' : undefined
  }

  async stat(name: string, ctx: CallContext): Promise<ContainerStat> {
    if (collectionProblem(name) !== undefined) throw missing(name)
    const expected = { statuses: [200], fields: ['name'] }
    const answer = await this.#client.json<Fields>({ ...this.#request('GET', name), expected }, ctx)
    if (answer['name'] === name) return { name, createdAt: dateOf(textOf(answer['creation-time'])) }
    throw other(name, 'not_applied')
  }

  /** All collections, in one page: the service does not support paging. */
  async list(_page: object, ctx: CallContext): Promise<ContainerPage> {
    const expected = { statuses: [200] }
    const answer = await this.#client.json<object>({ ...this.#request('GET'), expected }, ctx)
    if (Array.isArray(answer)) return containerPage(answer.map(rowOf), undefined)
    throw new StorageError('unavailable', 'The service answered with no list of collections.', {
      outcome: 'not_applied',
    })
  }

  /** Removes an empty collection. The service itself may remove one with files in it, so this first checks for files. */
  async delete(name: string, ctx: CallContext): Promise<void> {
    await ctx.step('stat', true, step => this.stat(name, step))
    await checkIsEmpty(name, async () => ({
      count: (await new Listing(this.#client, name).isEmpty(ctx)) ? 0 : 1,
      next: undefined,
    }))
    await this.#client.succeed({ ...this.#request('DELETE', name), conflicts: [404] }, ctx)
  }

  #request(method: 'GET' | 'POST' | 'DELETE', name?: string): Omit<NimbusRequest, 'expected'> {
    const base = `/customers/${encodeComponent(this.#client.user)}/collections`
    return { method, path: name === undefined ? base : `${base}/${name}`, seeksFile: name !== undefined }
  }
}

/** A row of the list: an object, or from older servers `[name, versioning, created]`. */
function rowOf(row: unknown): ContainerRow {
  const [name, created]: unknown[] = Array.isArray(row)
    ? [row[0], row[2]]
    : [(row as Fields | null)?.['name'], (row as Fields | null)?.['creation-time']]
  return { name: textOf(name), createdAt: dateOf(textOf(created)) }
}

function other(name: string, outcome: 'unknown' | 'not_applied'): StorageError {
  const text = `Asked for the collection '${name}', the service answered with another one.`
  return new StorageError('unavailable', text, { outcome })
}

function missing(name: string): StorageError {
  return new StorageError('not_found', `There is no collection '${name}'.`)
}
