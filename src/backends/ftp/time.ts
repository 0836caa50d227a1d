import type { CallContext } from '../../core/call.ts'
import { StorageError } from '../../core/errors.ts'
import type { FtpConnection } from './connection.ts'
import { timeIn, timeText } from './replies.ts'

/**
 * Sets the time with MFMT, or with MDTM if the server supports setting with it; compares the answer. (draft-somers-ftp-mfxx-04, section 3)
 */
export async function setTime(
  { control, features }: FtpConnection,
  path: string,
  time: Date,
  ctx: CallContext,
): Promise<void> {
  const year = time.getUTCFullYear()
  if (year < 1 || year > 9999)
    throw new StorageError('invalid_argument', 'modifiedAt: FTP has only years of four digits.')
  const verb = features.has('MFMT') ? 'MFMT' : 'MDTM'
  const set = await control.requestOptional(`${verb} ${timeText(time)} ${path}`, ctx.signal)
  const reply = set === undefined ? undefined : await control.requestOptional(`MDTM ${path}`, ctx.signal)
  const found = reply === undefined ? undefined : timeIn(reply.message.slice(4))
  if (found !== undefined && Math.abs(+found - +time) < 1000) return
  throw new StorageError('unsupported', 'modifiedAt: the server does not set the time of a file.')
}
