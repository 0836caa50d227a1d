import type { CallContext } from '../../core/call.ts'
import type { ContainerDriver, ContainerPage, ContainerStat } from '../../core/container-driver.ts'
import { StorageError } from '../../core/errors.ts'
import { containerLimit, containerPage } from '../../remote/containers.ts'
import { countOf } from '../../remote/headers.ts'
import { CONTAINER, CREATED, DELETED, UPDATED } from './api.ts'
import { EMPTY, type SwiftClient } from './client.ts'
import { classifySwift, swiftErrorOf } from './errors.ts'
import { checkContainer } from './names.ts'

/** Maximum number of rows per requested page; Swift's own limit is 10,000. */
const MAX_ROWS = 1000

/** The containers of one account. (https://docs.openstack.org/api-ref/object-store/#containers) */
export class SwiftContainers implements ContainerDriver {
  readonly #client: SwiftClient

  constructor(client: SwiftClient) {
    this.#client = client
  }

  /** 201 for a new container; 202 means that it existed: `exists`. */
  async create(name: string, ctx: CallContext): Promise<void> {
    checkContainer(name)
    const request = { method: 'PUT', place: { container: name }, expected: CREATED, body: EMPTY } as const
    const answer = await this.#client.send(request, ctx)
    const { status, resent } = answer
    await answer.body.take()
    // If the request was sent twice, the first one may have created the container.
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
    page: { readonly token?: string | undefined; readonly limit?: number | undefined },
    ctx: CallContext,
  ): Promise<ContainerPage> {
    const asked = containerLimit(page, MAX_ROWS)
    const marker = page.token === undefined ? [] : [['marker', page.token] as const]
    const query = [['format', 'json'] as const, ['limit', String(asked)] as const, ...marker]
    const rows = await this.#client.rows({ place: { account: true }, query }, ctx)
    const found = rows.map(row => {
      const { name, count, bytes } = (row ?? {}) as Record<string, unknown>
      return { name: textOf(name), count: countIn(count), size: countIn(bytes) }
    })
    const { containers } = containerPage(found, undefined)
    const fresh = containers.filter(({ name }) => name !== page.token)
    // Only an empty page is certainly the last one.
    return { containers: fresh, next: fresh.at(-1)?.name }
  }

  /** 404: `not_found`; 409: `not_empty`. */
  async delete(name: string, ctx: CallContext): Promise<void> {
    checkContainer(name)
    try {
      await this.#client.done(
        { method: 'DELETE', place: { container: name }, expected: DELETED, seeks: true, conflicts: [404] },
        ctx,
      )
    } catch (error) {
      if (swiftErrorOf(error)?.status !== 409) throw error
      throw new StorageError('not_empty', `The container '${name}' is not empty.`, { cause: error, status: 409 })
    }
  }

  /**
   * Makes containers publicly readable, or private again. Containers in `others` may be missing: they are created if they are made public.
   */
  async setPublic(name: string, others: readonly string[], isPublic: boolean, ctx: CallContext): Promise<void> {
    // Only an empty ACL removes an old one on all servers; `X-Remove-Container-Read` does not.
    const headers = { 'x-container-read': isPublic ? '.r:*' : '' }
    for (const container of [name, ...others]) {
      const isCreated = isPublic && container !== name
      const request = {
        method: isCreated ? 'PUT' : 'POST',
        place: { container },
        headers,
        expected: isCreated ? CREATED : UPDATED,
        body: EMPTY,
        seeks: true,
      } as const
      await ctx
        .step('setPublic', true, step => this.#client.done(request, step))
        .catch(error => {
          if (container === name || classifySwift(error) !== 'not_found') throw error
        })
    }
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function countIn(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined
}
