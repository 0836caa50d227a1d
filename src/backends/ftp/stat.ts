import type { CallContext } from '../../core/call.ts'
import type { Stat } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import type { FtpConnection } from './connection.ts'
import { diagnosis, listedItem } from './diagnosis.ts'
import { isUnknownCommand, notFound } from './errors.ts'
import { parseFacts, statIn } from './facts.ts'
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
    return folderOr(connection, path, error, ctx)
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
    if (!isUnknownCommand(error)) return folderOr(connection, path, error, ctx)
  }
  if (size === undefined) return statByListing(connection, path, ctx)
  const mayKnow = features.size === 0 || features.has('MDTM')
  const reply = mayKnow ? await control.requestOptional(`MDTM ${path}`, ctx.signal) : undefined
  const modifiedAt = reply?.code === 213 ? timeIn(reply.message.slice(4)) : undefined
  return { size, ...(modifiedAt !== undefined && { modifiedAt }) }
}

/** Of a folder; else why the command about the path was refused. */
async function folderOr(connection: FtpConnection, path: string, error: unknown, ctx: CallContext): Promise<Stat> {
  const found = await diagnosis(connection, path, error, ctx)
  if (found === 'folder' || found === 'locked folder') return { size: 0, isDirectory: true }
  throw found === 'missing' ? notFound() : error
}

/** Of a server that tells no size. */
async function statByListing(connection: FtpConnection, path: string, ctx: CallContext): Promise<Stat> {
  const found = await listedItem(connection, path, ctx)
  if (found === undefined) throw notFound()
  if (found.isDirectory) return { size: 0, isDirectory: true }
  if (found.stat !== undefined) return found.stat
  throw new StorageError('unsupported', 'The server does not tell the size of the file.')
}
