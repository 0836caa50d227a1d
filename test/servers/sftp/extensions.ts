/** OpenSSH's extensions (its file PROTOCOL, section 4) and copy-data (draft-ietf-secsh-filexfer-extensions-00). */
import type { Ground } from './ground.ts'
import { nowSecs } from './inode.ts'
import { PacketReader, PacketWriter } from './packet.ts'
import { OK, OPEN, type Reply, STATUS, StatusError } from './protocol.ts'
import type { ExtendedRequest } from './request.ts'

/** Carries one out. */
export function runExtension({ extension, fields }: ExtendedRequest, ground: Ground): Reply {
  const { tree, handles, habits } = ground
  const reader = new PacketReader(fields)
  switch (extension) {
    case 'posix-rename@openssh.com':
      tree.rename(reader.text(), reader.text())
      return OK
    case 'hardlink@openssh.com':
      tree.link(reader.text(), reader.text())
      return OK
    case 'fsync@openssh.com':
      handles.get(reader.text())
      return OK
    case 'lsetstat@openssh.com':
      tree.get(reader.text(), false).change(reader.attributes())
      return OK
    case 'statvfs@openssh.com':
      tree.get(reader.text())
      return statvfs()
    case 'fstatvfs@openssh.com':
      handles.get(reader.text())
      return statvfs()
    case 'limits@openssh.com': {
      const { read, write } = habits.toldLimits
      const writer = new PacketWriter().uint64(262_144).uint64(read).uint64(write).uint64(habits.mostHandles)
      return { type: 'EXTENDED_REPLY', data: writer.bytes }
    }
    case 'copy-data':
      return copyData(reader, ground)
    default:
      throw new StatusError(STATUS.OP_UNSUPPORTED)
  }
}

/** A disk of 4 KiB blocks, half of it free. */
function statvfs(): Reply {
  const writer = new PacketWriter()
  for (const value of [4096, 4096, 2000, 1000, 1000, 500, 250, 250, 1, 0, 255]) writer.uint64(value)
  return { type: 'EXTENDED_REPLY', data: writer.bytes }
}

function copyData(reader: PacketReader, { handles }: Ground): Reply {
  const from = handles.get(reader.text())
  const [start, length] = [reader.uint64(), reader.uint64()]
  const to = handles.get(reader.text())
  const offset = reader.uint64()
  if (!(from.flags & OPEN.READ) || !(to.flags & OPEN.WRITE)) throw new StatusError(STATUS.FAILURE)
  if (from.inode === to.inode) throw new StatusError(STATUS.FAILURE)
  const bytes = from.inode.bytes.read(start, length === 0 ? Number.POSITIVE_INFINITY : length)
  to.inode.bytes.write(offset, bytes)
  to.inode.mtime = nowSecs()
  return bytes.length < length ? { type: 'STATUS', code: STATUS.EOF } : OK
}
