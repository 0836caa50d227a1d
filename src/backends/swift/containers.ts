import type { CallContext } from '../../core/call.ts'
import type { ContainerDriver, ContainerPage, ContainerStat } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import { countOf } from '../../remote/headers.ts'
import { CONTAINER, CREATED, DELETED } from './api.ts'
import { EMPTY, type SwiftClient } from './client.ts'
import { swiftErrorOf } from './errors.ts'
import { checkContainer } from './names.ts'

/** Rows of a page where nobody says how many. */
const ROWS = 1000
const MAX_ROWS = 10_000

/** The containers of one account. (https://docs.openstack.org/api-ref/object-store/#containers) */
export class SwiftContainers implements ContainerDriver {
  readonly #client: SwiftClient

  constructor(client: SwiftClient) {
    this.#client = client
  }

  /** 201 for a new one; 202 says that it was there: `exists`. */
  async create(name: string, ctx: CallContext): Promise<void> {
    checkContainer(name)
    const request = { method: 'PUT', place: { container: name }, expected: CREATED, body: EMPTY } as const
    const answer = await this.#client.send(request, ctx)
    const { status, resent } = answer
    await answer.body.take()
    // After a request that went twice, the first one may have created it.
    if (status === 202 && resent !== true)
      throw new StorageError('exists', `There is a container '${name}'.`, { status })
  }

  async stat(name: string, ctx: CallContext): Promise<ContainerStat> {
    checkContainer(name)
    const request = { method: 'HEAD', place: { container: name }, expected: CONTAINER, seeks: true } as const
    const headers = await this.#client.done(request, ctx)
    return {
      name,
      count: countOf(textOf(headers['x-container-object-count'])),
      size: countOf(textOf(headers['x-container-bytes-used'])),
    }
  }

  async list(
    { token, limit = ROWS }: { readonly token?: string | undefined; readonly limit?: number | undefined },
    ctx: CallContext,
  ): Promise<ContainerPage> {
    const asked = Math.min(MAX_ROWS, Math.max(1, limit))
    const marker = token === undefined ? [] : [['marker', token] as const]
    const query = [['format', 'json'] as const, ['limit', String(asked)] as const, ...marker]
    const rows = await this.#client.rows({ place: { account: true }, query }, ctx)
    const containers: ContainerStat[] = []
    for (const row of rows) {
      const { name, count, bytes } = (row ?? {}) as Record<string, unknown>
      if (typeof name !== 'string' || name === token) continue
      containers.push({
        name,
        count: typeof count === 'number' ? count : undefined,
        size: typeof bytes === 'number' ? bytes : undefined,
      })
    }
    const last = containers.at(-1)?.name
    return last === undefined ? { containers } : { containers, next: last }
  }

  /** 404: `not_found`; 409: `not_empty`. */
  async delete(name: string, ctx: CallContext): Promise<void> {
    checkContainer(name)
    try {
      await this.#client.done({ method: 'DELETE', place: { container: name }, expected: DELETED, seeks: true }, ctx)
    } catch (error) {
      if (swiftErrorOf(error)?.status !== 409) throw error
      throw new StorageError('not_empty', `The container '${name}' is not empty.`, { cause: error, status: 409 })
    }
  }
}

function textOf(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}
