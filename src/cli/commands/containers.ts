import type { Command } from 'commander'
import type { ContainerStat } from '../../core/container-driver.ts'
import { StorageError } from '../../core/errors.ts'
import type { StorageDriver } from '../../storage/storage-driver.ts'
import { type CliContext, UsageError } from '../context.ts'
import { formatSize, formatTime, printable } from '../output.ts'

interface ContainersOptions {
  readonly create?: string | true
  readonly delete?: string
}

/** `holdall containers`: lists and manages the buckets or containers of a storage's account. */
export function containers(program: Command, context: CliContext): void {
  program
    .command('containers')
    .description('list, create or delete the containers (buckets) of an account')
    .argument('[alias]', 'a storage of the account', 'default')
    .option('--create [name]', "create one; without a name the storage's own")
    .option('--delete <name>', 'delete an empty one')
    .action(async (alias: string, options: ContainersOptions) => {
      const { storage } = await context.target(`${alias.replace(/:$/, '')}:`)
      const { driver } = storage
      if (options.create !== undefined && options.delete !== undefined) {
        throw new UsageError('containers: create one or delete one, not both.')
      }
      if (options.create !== undefined) await create(context, driver, options.create)
      else if (options.delete !== undefined) await remove(context, driver, options.delete)
      else await list(context, driver)
    })
}

async function list({ out, signal }: CliContext, driver: StorageDriver): Promise<void> {
  for await (const container of driver.iterateContainers({ signal })) await out.record(container, shown(container))
}

function shown({ name, createdAt, count, size }: ContainerStat): string {
  const files = count === undefined ? '' : `  ${count} ${count === 1 ? 'file' : 'files'}`
  const bytes = size === undefined ? '' : `  ${formatSize(size)}`
  return `${formatTime(createdAt).padEnd(16)}  ${printable(name)}${files}${bytes}`
}

async function create(
  { out, signal, options }: CliContext,
  driver: StorageDriver,
  given: string | true,
): Promise<void> {
  const name = given === true ? undefined : given
  const what = name === undefined ? 'the container of the storage' : printable(name)
  if (options.dryRun === true) return out.record({ dryRun: true, container: name }, `would create ${what}`)
  if (name === undefined) await driver.createContainer(undefined, { signal })
  // Some services answer in the same way if the account already has it.
  else if (await isKnown(driver, name, signal)) throw new StorageError('exists', `'${name}' is there already.`)
  else await driver.createContainer(name, { signal })
  out.log(name === undefined ? `${what} is there now` : `created ${what}`)
  if (out.json) await out.record({ container: name, created: true }, '')
}

/** Whether a container exists, as far as the account may see. */
function isKnown(driver: StorageDriver, name: string, signal: AbortSignal): Promise<boolean> {
  return driver.getContainer(name, { signal }).then(
    () => true,
    () => false,
  )
}

async function remove({ out, signal, options }: CliContext, driver: StorageDriver, name: string): Promise<void> {
  if (options.dryRun === true) return out.record({ dryRun: true, container: name }, `would delete ${printable(name)}`)
  await driver.deleteContainer(name, { signal })
  out.log(`deleted ${printable(name)}`)
  if (out.json) await out.record({ container: name, deleted: true }, '')
}
