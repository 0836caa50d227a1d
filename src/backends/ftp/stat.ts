import type { CallContext } from '../../core/call.ts'
import type { Stat } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import type { FtpConnection } from './connection.ts'
import { FtpReplyError, isRefusal, isUnknownCommand, notFound, saysMissing } from './errors.ts'
import { parseFacts, statIn } from './facts.ts'
import { enterFolder, leaveFolder, readEntered } from './folder.ts'
import { nameIn, parentOf } from './paths.ts'
import { type Reply, sizeIn, timeIn } from './replies.ts'

/**
 * What is known of a path: by MLST, else by SIZE and MDTM. A 550 may mean that the file is missing, that it is a folder, or that it is forbidden; where the
 * server's words do not say which, the folder tells: `not_found`, or the refusal itself.
 */
export async function statPath(connection: FtpConnection, path: string, ctx: CallContext): Promise<Stat> {
  const { features } = connection
  if (features.has('MLST')) {
    const stat = await statByFacts(connection, path, ctx)
    if (stat !== undefined) return stat
  }
  return statBySize(connection, path, ctx)
}

/** Undefined where the server does not say enough. */
async function statByFacts(connection: FtpConnection, path: string, ctx: CallContext): Promise<Stat | undefined> {
  const { control } = connection
  try {
    const line = factLineIn(await control.request(`MLST ${path}`, ctx.signal))
    const stat = line === undefined ? undefined : statIn(line)
    if (line !== undefined && stat === undefined) throw notFound()
    if (stat === undefined || stat.isLink || stat.size === undefined) return undefined
    return { ...stat, size: stat.size }
  } catch (error) {
    if (isUnknownCommand(error)) return undefined
    throw await explained(connection, path, error, ctx)
  }
}

function factLineIn({ message }: Reply): ReturnType<typeof parseFacts> {
  const lines = message.split('\n')
  // The facts stand behind one blank, between the first line and the last; some servers leave the blank out.
  const line = lines.slice(1, -1).find(each => each.includes('=')) ?? (lines.length === 1 ? lines[0]!.slice(4) : '')
  return parseFacts(line.replace(/^ (?=\S)/, '').replace(/^250-\s?/, ''))
}

async function statBySize(connection: FtpConnection, path: string, ctx: CallContext): Promise<Stat> {
  const { control, features } = connection
  let size: number | undefined
  try {
    size = sizeIn(await control.request(`SIZE ${path}`, ctx.signal))
  } catch (error) {
    if (!isUnknownCommand(error)) {
      if (await isFolder(connection, path, ctx)) return { size: 0, isDirectory: true }
      throw await explained(connection, path, error, ctx)
    }
  }
  if (size === undefined) return statByListing(connection, path, ctx)
  const mayKnow = features.size === 0 || features.has('MDTM')
  const reply = mayKnow ? await control.requestOptional(`MDTM ${path}`, ctx.signal) : undefined
  const modifiedAt = reply?.code === 213 ? timeIn(reply.message.slice(4)) : undefined
  return { size, ...(modifiedAt !== undefined && { modifiedAt }) }
}

/** Of a server without SIZE. */
async function statByListing(connection: FtpConnection, path: string, ctx: CallContext): Promise<Stat> {
  if (await isFolder(connection, path, ctx)) return { size: 0, isDirectory: true }
  const found = await listedItem(connection, path, ctx)
  if (found?.stat !== undefined) return found.stat
  if (found === undefined) throw notFound()
  throw new StorageError('unsupported', 'The server does not tell the size of the file.')
}

/** Whether a path is a folder that can be entered. */
export async function isFolder(connection: FtpConnection, path: string, ctx: CallContext): Promise<boolean> {
  const { control } = connection
  if ((await control.requestOptional(`CWD ${path}`, ctx.signal)) === undefined) return false
  await leaveFolder(connection, ctx)
  return true
}

/** The error of a refused command about a path: `not_found` where nothing is there, else the refusal, which then means that it is forbidden. */
export async function explained(
  connection: FtpConnection,
  path: string,
  error: unknown,
  ctx: CallContext,
): Promise<unknown> {
  if (saysMissing(error)) return notFound()
  if (!isRefusal(error, 550)) return error
  return (await listedItem(connection, path, ctx)) === undefined ? notFound() : error
}

/** The entry of a path in its folder; undefined where it has none, or where there is no such folder. A folder that cannot be read is an error. */
async function listedItem(connection: FtpConnection, path: string, ctx: CallContext): ReturnType<typeof findItem> {
  const parent = parentOf(path)
  try {
    await enterFolder(connection, parent || '/', ctx)
  } catch (error) {
    if (!(error instanceof FtpReplyError)) throw error
    // Nothing lies above the root.
    if (parent === '' || parent === '.' || !isRefusal(error, 550)) throw error
    const above = saysMissing(error) ? undefined : await listedItem(connection, parent, ctx)
    // A file has nothing below it.
    if (above === undefined || !above.isDirectory) return undefined
    throw error
  }
  try {
    return await findItem(connection, nameIn(path), ctx)
  } finally {
    if (connection.control.isUsable) await leaveFolder(connection, ctx)
  }
}

async function findItem(connection: FtpConnection, name: string, ctx: CallContext) {
  for await (const batch of readEntered(connection, ctx)) {
    const found = batch.find(item => item.name === name)
    if (found !== undefined) return found
  }
  return undefined
}
