import type { CallContext } from '../../core/call.ts'
import { bytesContent } from '../../core/content.ts'
import { temporaryName } from '../../core/hidden-names.ts'
import { refused } from '../../core/key-components.ts'
import type { FtpConnection } from './connection.ts'
import { enterFolder, leaveFolder, readEntered } from './folder.ts'
import { pathIn, sizeIn } from './replies.ts'
import type { SendState } from './sending.ts'
import type { Slot } from './slots.ts'
import { store } from './storing.ts'

/** Whether a component of a key ends in a blank. */
const ENDS_BLANK = /\s(?:\/|$)/

/**
 * Refuses a name that ends in a blank if the server removes such blanks from commands: the command would affect another file. This is
 * tested once, with a folder whose path the server reports.
 */
export async function checkBlanks(connection: FtpConnection, key: string, { signal }: CallContext): Promise<void> {
  if (!ENDS_BLANK.test(key)) return
  const { control, server, home } = connection
  if (server.cutsBlanks === undefined) {
    // If the way back is unknown, the folder must not change.
    const entered = await control.requestOptional(home === '' ? 'CWD . ' : 'CWD / ', signal)
    const reply = entered === undefined ? undefined : await control.requestOptional('PWD', signal)
    if (entered !== undefined && home !== '') await control.request(`CWD ${home}`, signal)
    server.cutsBlanks = entered !== undefined && (reply === undefined || pathIn(reply)?.endsWith(' ') !== true)
  }
  if (server.cutsBlanks) throw lost(key)
}

/** Refuses to create such a name if the server changes it, as Pure-FTPd does: `x_` for `x `. This is tested once, with an empty file. */
export async function checkNewBlanks(slot: Slot, key: string, ctx: CallContext): Promise<void> {
  if (!ENDS_BLANK.test(key)) return
  const { server } = slot.connection
  server.keepsBlanks ??= await keepsBlanks(slot, ctx)
  if (!server.keepsBlanks) throw lost(key)
}

async function keepsBlanks(slot: Slot, ctx: CallContext): Promise<boolean> {
  const name = temporaryName()
  const path = `${slot.connection.root}/${name} `
  const state: SendState = { isMade: false }
  try {
    await store(slot, path, bytesContent(Buffer.alloc(0)), {}, state, ctx)
  } finally {
    await state.settled
  }
  const { connection } = slot
  const { control } = connection
  const reply = await control.requestOptional(`SIZE ${path}`, ctx.signal)
  const isThere = reply !== undefined && sizeIn(reply) === 0
  const found = isThere ? [path] : await namesLike(connection, name, ctx)
  for (const each of found) await control.requestOptional(`DELE ${each}`, ctx.signal)
  return found.includes(path)
}

/** The paths of files with this prefix. */
async function namesLike(connection: FtpConnection, start: string, ctx: CallContext): Promise<string[]> {
  const found: string[] = []
  await enterFolder(connection, connection.root || '/', ctx)
  for await (const batch of readEntered(connection, ctx)) {
    for (const { name } of batch) if (name.startsWith(start)) found.push(`${connection.root}/${name}`)
  }
  await leaveFolder(connection, ctx)
  return found
}

function lost(key: string): Error {
  return refused(key, 'the server loses the blank at the end of a name')
}
