import type { CallContext } from '../../core/call.ts'
import type { Stat } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import type { FtpConnection } from './connection.ts'
import type { askAhead } from './data-connection.ts'
import { diagnosis, listedItem } from './diagnosis.ts'
import { accepted, isUnknownCommand, notFound } from './errors.ts'
import { parseFacts, statIn } from './facts.ts'
import { type Reply, sizeIn, timeIn } from './replies.ts'

/**
 * The stat of a path: with MLST, otherwise with SIZE and MDTM. A 550 may mean that the file is missing, that it is a folder, or that access
 * is forbidden. If the server's message is not clear, the folder is read: `not_found`, or the refusal itself.
 */
export async function statPath(
  connection: FtpConnection,
  path: string,
  ctx: CallContext,
  ask: Ask = askAlone,
): Promise<Stat> {
  const { features } = connection
  if (features.has('MLST')) {
    const stat = await statByFacts(connection, path, ctx, ask)
    if (stat !== undefined) return stat
  }
  return statBySize(connection, path, ctx, ask)
}

/** Sends independent queries: `askAhead` if a transfer follows. */
type Ask = typeof askAhead

const askAlone: Ask = ({ control }, questions, signal) => control.ask(questions, signal)

/** Undefined if the server's answer is incomplete. */
async function statByFacts(
  connection: FtpConnection,
  path: string,
  ctx: CallContext,
  ask: Ask,
): Promise<Stat | undefined> {
  const command = `MLST ${path}`
  const [reply] = await ask(connection, [command], ctx.signal)
  try {
    const line = factLineIn(accepted(command, reply!))
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
  // The facts follow one blank, between the first line and the last; some servers omit the blank.
  const line = lines.slice(1, -1).find(each => each.includes('=')) ?? (lines.length === 1 ? lines[0]!.slice(4) : '')
  return parseFacts(line.replace(/^ (?=\S)/, '').replace(/^250-\s?/, ''))
}

async function statBySize(connection: FtpConnection, path: string, ctx: CallContext, ask: Ask): Promise<Stat> {
  const { features } = connection
  const command = `SIZE ${path}`
  const mayKnow = features.size === 0 || features.has('MDTM')
  const [reply, time] = await ask(connection, [command, ...(mayKnow ? [`MDTM ${path}`] : [])], ctx.signal)
  let size: number | undefined
  try {
    size = sizeIn(accepted(command, reply!))
  } catch (error) {
    if (!isUnknownCommand(error)) return folderOr(connection, path, error, ctx)
  }
  const modifiedAt = time?.code === 213 ? timeIn(time.message.slice(4)) : undefined
  const known = modifiedAt === undefined ? {} : { modifiedAt }
  if (size !== undefined) return { size, ...known }
  const { isRoughTime, ...stat } = await statByListing(connection, path, ctx)
  return modifiedAt === undefined ? { ...stat, ...(isRoughTime && { isRoughTime }) } : { ...stat, ...known }
}

/** The stat of a folder; otherwise throws the reason why the command about the path was refused. */
async function folderOr(connection: FtpConnection, path: string, error: unknown, ctx: CallContext): Promise<Stat> {
  const found = await diagnosis(connection, path, error, ctx)
  if (found === 'folder' || found === 'locked folder') return { size: 0, isDirectory: true }
  throw found === 'missing' ? notFound() : error
}

/** For a server that does not report sizes. */
async function statByListing(connection: FtpConnection, path: string, ctx: CallContext): Promise<Stat> {
  const found = await listedItem(connection, path, ctx)
  if (found === undefined) throw notFound()
  if (found.isDirectory) return { size: 0, isDirectory: true }
  if (found.stat !== undefined) return found.stat
  throw new StorageError('unsupported', 'The server does not report the size of the file.')
}
