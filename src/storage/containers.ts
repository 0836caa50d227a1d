import type { CallOptions } from '../core/call.ts'
import type { ContainerDriver, ContainerPage, ContainerStat } from '../core/container-driver.ts'
import { StorageError } from '../core/errors.ts'
import { kindOf } from '../core/kind.ts'
import { checkCallOptions } from '../core/known-options.ts'
import type { CallRunner } from './call-runner.ts'
import { PageProgress } from './page-progress.ts'

/** A container: by its name, or as `listContainers` returns it. */
export type NameOrContainer = string | ContainerStat

/** Makes the storage's own container; see `Storage#createContainer`. */
export async function createOwnContainer(calls: CallRunner, options: CallOptions): Promise<void> {
  checkCallOptions('createContainer', options)
  const { driver } = calls
  calls.begin('createContainer', undefined, options, true)
  if (driver.createContainer === undefined) {
    throw new StorageError('unsupported', `The backend '${driver.name}' cannot create the container of a storage.`, {
      operation: 'createContainer',
      backend: driver.name,
    })
  }
  await calls.run('createContainer', undefined, options, ctx => driver.createContainer!(ctx))
}

/**
 * Makes a container of the account. It is repeated only after an error that proves that nothing was done: after a lost answer, the first
 * attempt may have taken the name itself.
 */
export async function createContainer(calls: CallRunner, given: NameOrContainer, options: CallOptions): Promise<void> {
  const { name, containers } = target(calls, 'createContainer', given, options, true)
  const about = { ...options, containerName: name, repeat: 'if_not_applied' } as const
  await calls.run('createContainer', undefined, about, ctx => containers.create(name, ctx))
}

/** Returns the attributes of a container. Missing: `not_found`. */
export async function statContainer(
  calls: CallRunner,
  given: NameOrContainer,
  options: CallOptions,
): Promise<ContainerStat> {
  const { name, containers } = target(calls, 'getContainer', given, options)
  return await calls.run('getContainer', undefined, { ...options, containerName: name }, ctx =>
    containers.stat(name, ctx),
  )
}

/** Removes an empty container. It is not repeated after a lost answer: the first attempt may have removed the container itself. */
export async function deleteContainer(calls: CallRunner, given: NameOrContainer, options: CallOptions): Promise<void> {
  const { name, containers } = target(calls, 'deleteContainer', given, options, true)
  const about = { ...options, containerName: name, repeat: 'if_not_applied' } as const
  await calls.run('deleteContainer', undefined, about, ctx => containers.delete(name, ctx))
}

/** The containers of the account, page by page. */
export async function* iterateContainers(
  calls: CallRunner,
  options: CallOptions,
): AsyncGenerator<ContainerStat, void, undefined> {
  const operation = 'listContainers'
  checkCallOptions('iterateContainers', options)
  calls.begin(operation, undefined, options)
  const containers = containerDriver(calls, operation)
  const progress = new PageProgress({ operation, backend: calls.driver.name })
  let token: string | undefined
  do {
    const page: ContainerPage = await calls.run(operation, undefined, options, ctx => containers.list({ token }, ctx))
    yield* page.containers
    token = page.next
    progress.check({ files: [], directories: page.containers.map(({ name }) => name), next: page.next })
  } while (token !== undefined)
}

function containerDriver({ driver }: CallRunner, operation: string): ContainerDriver {
  if (driver.containers !== undefined) return driver.containers
  const text = `The backend '${driver.name}' has no containers to list, create or delete.`
  throw new StorageError('unsupported', text, { operation, backend: driver.name })
}

function target(
  calls: CallRunner,
  operation: string,
  given: NameOrContainer,
  options: CallOptions,
  changes = false,
): { name: string; containers: ContainerDriver } {
  calls.begin(operation, undefined, options, changes)
  return { containers: containerDriver(calls, operation), name: checkedContainerName(calls, operation, given) }
}

/**
 * Checks that a name is exactly one part of a URL's path. It must not lead to a file in another container (`media/a.txt`) or to the account
 * (`..`). The driver checks the other rules of its service.
 */
function checkedContainerName({ driver }: CallRunner, operation: string, given: NameOrContainer): string {
  const name = typeof given === 'object' && given !== null ? given.name : given
  const why = reasonAgainst(name)
  if (why === undefined) return name
  const details = {
    operation,
    containerName: typeof name === 'string' ? name : undefined,
    backend: driver.name,
  }
  throw new StorageError('invalid_argument', `${operation}: container name: ${why}.`, details)
}

/** Returns why a name cannot be a container's name in any service; undefined for a valid name. */
export function reasonAgainst(name: unknown): string | undefined {
  if (typeof name !== 'string') return `expected text, got ${kindOf(name)}`
  if (name === '') return 'expected text, got an empty one'
  if (name === '.' || name === '..') return `'${name}' is no name`
  if (!name.isWellFormed()) return 'it has half a surrogate pair'
  return /[/\\\u0000-\u001f\u007f]/.test(name) ? 'it has a slash, a backslash or a control character' : undefined
}
