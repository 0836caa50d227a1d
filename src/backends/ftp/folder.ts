import { isUtf8 } from 'node:buffer'
import type { CallContext } from '../../core/call.ts'
import { StorageError } from '../../core/errors.ts'
import { NOT_UTF8, OddItems } from '../../core/odd-items.ts'
import type { FolderItem } from '../../remote/folder-items.ts'
import type { FtpConnection } from './connection.ts'
import { type Download, startDownload } from './download.ts'
import { FtpReplyError, isRefusal } from './errors.ts'
import { itemIn, parseFacts } from './facts.ts'
import { parseListLine } from './listing-lines.ts'
import { pathIn } from './replies.ts'

const MAX_LINE = 64 * 1024
/** Characters that some servers interpret specially in a listing command. */
const SPECIAL = /[\s[\]*?{}~]/
/** Last answers of incomplete listings. (Pure-FTPd, vsftpd) */
const CUT =
  /truncat|output limited|limit (?:reached|exceeded)|too many (?:files|entries|matches)|listing (?:is )?incomplete/i
const UNREAD =
  /fail(?:ed|ure|s)? to open|could not (?:open|read)|can(?:no|')t (?:open|read)|unable to (?:open|read)|permission denied/i

/** Enters a folder and checks that the server is in it; the server's refusal is thrown unchanged. */
export async function enterFolder(connection: FtpConnection, path: string, { signal }: CallContext): Promise<void> {
  const { control, home } = connection
  await control.request(`CWD ${path}`, signal)
  if (!SPECIAL.test(path)) return
  const reply = await control.requestOptional('PWD', signal)
  const entered = reply === undefined ? undefined : pathIn(reply)
  // A link may lead elsewhere, but not to the previous folder or to a path without its last blank.
  if (entered === undefined || entered === path) return
  if (entered !== home && entered !== path.trimEnd()) return
  await leaveFolder(connection, { signal })
  throw new StorageError('suspicious_name', `The server goes to '${entered}' instead of '${path}'.`)
}

/** Returns to the login folder. If that is unknown, the connection cannot be reused. */
export async function leaveFolder(
  { control, home }: FtpConnection,
  { signal }: Pick<CallContext, 'signal'>,
): Promise<void> {
  if (home === '') control.close()
  else await control.request(`CWD ${home}`, signal)
}

/** Whether a path is a folder that can be entered. */
export async function canEnter(connection: FtpConnection, path: string, ctx: CallContext): Promise<boolean> {
  try {
    await enterFolder(connection, path, ctx)
  } catch (error) {
    if (!isRefusal(error) || error.status === 421) throw error
    return false
  }
  await leaveFolder(connection, ctx)
  return true
}

/** Whether the server supports MLSD. (RFC 3659, section 7.8: a server that announces MLST has both) */
export function listsFacts({ features }: FtpConnection): boolean {
  return features.has('MLST') || features.has('MLSD')
}

/** The items of the entered folder. Throws at the end if the server reports that the listing is incomplete. */
export async function* readEntered(connection: FtpConnection, ctx: CallContext): AsyncGenerator<readonly FolderItem[]> {
  const { server } = connection
  if (listsFacts(connection)) {
    yield* readBy('MLSD', connection, ctx)
    return
  }
  if (server.listsPlainly !== true) {
    // A server that supports the option lists at least the folder itself.
    const seen = { lines: 0 }
    let doubtful: readonly FolderItem[] | undefined
    try {
      for await (const batch of readBy('LIST -a', connection, ctx, seen)) {
        // A server without this option lists a file of that name, if there is one.
        if (seen.lines === 1 && batch[0]?.name === '-a') doubtful = batch
        else {
          if (doubtful !== undefined) yield doubtful
          doubtful = undefined
          yield batch
        }
      }
    } catch (error) {
      if (seen.lines > 0 || !(error instanceof FtpReplyError) || isRefusal(error, 421, 425, 426)) throw error
    }
    if (seen.lines > 0 && doubtful === undefined) return
  }
  for await (const batch of readBy('LIST', connection, ctx)) {
    if (batch.length > 0) server.listsPlainly ??= true
    yield batch
  }
}

/** The entries in the answer to a listing command. */
export async function* readBy(
  command: string,
  connection: FtpConnection,
  ctx: CallContext,
  seen = { lines: 0 },
): AsyncGenerator<readonly FolderItem[]> {
  const odd = new OddItems()
  const download = await startDownload(connection, { command, touch: () => ctx.progress() }, ctx.signal)
  try {
    for await (const lines of linesOf(download, connection, odd)) {
      ctx.signal.throwIfAborted()
      const items: FolderItem[] = []
      seen.lines += lines.length
      for (const line of lines) {
        const item = itemOf(command, line, odd)
        if (item !== undefined) items.push(item)
      }
      yield items
    }
  } finally {
    download.destroy()
    await download.over
  }
  checkWhole(command, download)
}

/** A line that cannot be parsed is reported, since it may stand for a file. */
function itemOf(command: string, line: string, odd: OddItems): FolderItem | undefined {
  const facts = command === 'MLSD' ? parseFacts(line) : undefined
  if (facts !== undefined) return itemIn(facts)
  const item = parseListLine(line)
  if (item === undefined) odd.report(line, 'the line of the listing cannot be read')
  return item === 'none' ? undefined : item
}

function checkWhole(command: string, { reply }: Download): void {
  const message = reply?.message ?? ''
  if (!CUT.test(message) && !UNREAD.test(message)) return
  const text = `The answer to ${command} is not the whole folder: ${message}`
  const code = UNREAD.test(message) ? 'permission_denied' : 'too_large'
  throw new StorageError(code, text, { status: reply?.code })
}

/** The lines of a listing, in batches as they arrive. */
async function* linesOf(download: Download, { options }: FtpConnection, odd: OddItems): AsyncGenerator<string[]> {
  const { encoding } = options
  let rest = Buffer.alloc(0)
  const text = (line: Buffer): string => {
    const plain = line.toString(encoding === 'utf-8' ? 'utf8' : 'latin1').replace(/(?<!\r)\r+$/, '')
    if (encoding === 'latin-1' || isUtf8(line)) return plain
    odd.report(plain, `${NOT_UTF8} (FTP_STORAGE_ENCODING may be latin-1)`)
    return ''
  }
  for await (const chunk of download as AsyncIterable<Buffer>) {
    const bytes = rest.byteLength === 0 ? chunk : Buffer.concat([rest, chunk])
    const lines: string[] = []
    let start = 0
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
      lines.push(text(bytes.subarray(start, end)))
      start = end + 1
    }
    rest = Buffer.from(bytes.subarray(start))
    if (rest.byteLength > MAX_LINE) throw new StorageError('unknown', 'A line of the listing has no end.')
    yield lines.filter(line => line !== '')
  }
  if (rest.byteLength > 0) yield [text(rest)]
}
