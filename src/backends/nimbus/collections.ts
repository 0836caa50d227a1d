import type { CallContext } from '../../core/call.ts'
import type { ContainerDriver, ContainerPage, ContainerStat } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import { textOf } from '../../remote/answers.ts'
import { dateOf } from '../../remote/headers.ts'
import { HttpStatusError } from '../../remote/http-error.ts'
import { encodeComponent } from '../../remote/sign/encode.ts'
import type { NimbusClient, NimbusRequest } from './client.ts'
import { Listing } from './listing.ts'
import { collectionProblem } from './names.ts'

type Fields = Readonly<Record<string, unknown>>

/** The collections of the account. (nimbus.io developer's guide, "Collections") */
export class Collections implements ContainerDriver {
  readonly #client: NimbusClient

  constructor(client: NimbusClient) {
    this.#client = client
  }

  /** Makes a collection. A name that is taken by this user or another is `exists`; names are unique across all users. */
  async create(name: string, ctx: CallContext): Promise<void> {
    const problem = /^(?:dd|rr)-/.test(name) ? "begins with no 'dd-' and no 'rr-'" : collectionProblem(name)
    if (problem !== undefined)
      throw new StorageError('invalid_argument', `The name of a collection ${problem}: '${name}'.`)
    const query = [['action', 'create'] as const, ['name', name] as const]
    const expected = { statuses: [200, 201], fields: ['name'] }
    try {
      await this.#client.json({ ...this.#request('POST'), query, expected }, ctx)
    } catch (error) {
      // The same answer is for bad names, and the name was checked.
      if (!(error instanceof HttpStatusError) || error.status !== 409) throw error
      throw new StorageError('exists', `The collection '${name}' exists.`, { cause: error, status: 409 })
    }
  }

  async stat(name: string, ctx: CallContext): Promise<ContainerStat> {
    if (collectionProblem(name) !== undefined) throw missing(name)
    const expected = { statuses: [200], fields: ['name'] }
    const answer = await this.#client.json<Fields>({ ...this.#request('GET', name), expected }, ctx)
    if (answer['name'] === name) return { name, createdAt: dateOf(textOf(answer['creation-time'])) }
    throw new StorageError('unavailable', `Asked for the collection '${name}', the service answered with another one.`)
  }

  /** All collections, in one page: the service has no others. */
  async list(_page: object, ctx: CallContext): Promise<ContainerPage> {
    const expected = { statuses: [200] }
    const answer = await this.#client.json<object>({ ...this.#request('GET'), expected }, ctx)
    if (!Array.isArray(answer)) {
      throw new StorageError('unavailable', 'The service answered with no list of collections.', { retryable: false })
    }
    return { containers: answer.map(containerOf).filter(found => found !== undefined) }
  }

  /** Removes an empty collection. The service itself may remove one with files in it, so they are looked for first. */
  async delete(name: string, ctx: CallContext): Promise<void> {
    await ctx.step('stat', true, step => this.stat(name, step))
    if (!(await new Listing(this.#client, name).isEmpty(ctx))) {
      throw new StorageError('not_empty', `The collection '${name}' has files.`)
    }
    await this.#client.succeed(this.#request('DELETE', name), ctx)
  }

  #request(method: 'GET' | 'POST' | 'DELETE', name?: string): Omit<NimbusRequest, 'expected'> {
    const base = `/customers/${encodeComponent(this.#client.user)}/collections`
    return { method, path: name === undefined ? base : `${base}/${name}`, seeksFile: name !== undefined }
  }
}

/** A row of the list: an object, or of older servers `[name, versioning, created]`. Undefined where it has no name. */
function containerOf(row: unknown): ContainerStat | undefined {
  const [name, created]: unknown[] = Array.isArray(row)
    ? [row[0], row[2]]
    : [(row as Fields | null)?.['name'], (row as Fields | null)?.['creation-time']]
  const text = textOf(name)
  return text === undefined ? undefined : { name: text, createdAt: dateOf(textOf(created)) }
}

function missing(name: string): StorageError {
  return new StorageError('not_found', `There is no collection '${name}'.`)
}
