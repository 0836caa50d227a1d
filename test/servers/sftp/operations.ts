/** What each request does to the tree, and its answer. */
import { runExtension } from './extensions.ts'
import type { Ground } from './ground.ts'
import type { AttributePart, Habits } from './habits.ts'
import { type Inode, isForWriting, nowSecs } from './inode.ts'
import { type Attributes, OK, OPEN, type Reply, STATUS, StatusError } from './protocol.ts'
import type { Request } from './request.ts'

const EOF: Reply = { type: 'STATUS', code: STATUS.EOF }

/** Carries a request out; one that fails throws a `StatusError`. */
export function carryOut(request: Request, ground: Ground): Reply {
  const { tree, handles, habits } = ground
  switch (request.operation) {
    case 'OPEN':
      return open(request.path, request.flags, request.attributes, ground)
    case 'CLOSE':
      return close(request.handle, ground)
    case 'READ':
      return read(request, ground)
    case 'WRITE':
      return write(request, ground)
    case 'STAT':
      return attributesReply(tree.get(request.path), habits)
    case 'LSTAT':
      return attributesReply(tree.get(request.path, false), habits)
    case 'FSTAT':
      return attributesReply(handles.get(request.handle).inode, habits)
    case 'SETSTAT':
      tree.get(request.path).change(request.attributes)
      return OK
    case 'FSETSTAT':
      handles.get(request.handle).inode.change(request.attributes)
      return OK
    case 'OPENDIR':
      return openFolder(request.path, ground)
    case 'READDIR':
      return readFolder(request.handle, ground)
    case 'REMOVE':
      tree.remove(request.path)
      return OK
    case 'MKDIR':
      tree.create(request.path, 'folder', request.attributes.permissions ?? 0o777)
      return OK
    case 'RMDIR':
      tree.removeFolder(request.path)
      return OK
    case 'REALPATH':
      return nameReply(tree.realPath(request.path))
    case 'RENAME':
      return rename(request.path, request.to, ground)
    case 'READLINK':
      return readLink(request.path, ground)
    case 'SYMLINK':
      if (ground.targetFirst) tree.symlink(request.to, request.path)
      else tree.symlink(request.path, request.to)
      return OK
    case 'EXTENDED':
      if (!habits.extensions.includes(request.extension)) throw new StatusError(STATUS.OP_UNSUPPORTED)
      return runExtension(request, ground)
  }
}

function open(path: string, flags: number, { permissions = 0o666 }: Attributes, { tree, handles }: Ground): Reply {
  handles.checkRoom()
  const found = tree.find(path, (flags & OPEN.EXCLUSIVE) === 0)
  if (found.inode === undefined && !(flags & OPEN.CREATE)) throw new StatusError(STATUS.NO_SUCH_FILE)
  if (found.inode !== undefined && flags & OPEN.CREATE && flags & OPEN.EXCLUSIVE) throw new StatusError(STATUS.FAILURE)
  const inode = found.inode ?? tree.create(path, 'file', permissions)
  const file = { inode, path, flags }
  if (inode.kind !== 'file' && (inode.kind !== 'folder' || isForWriting(file))) throw new StatusError(STATUS.FAILURE)
  if (flags & OPEN.TRUNCATE) inode.truncate(0)
  return { type: 'HANDLE', handle: handles.add(file) }
}

function close(handle: string, { tree, handles, habits }: Ground): Reply {
  const file = handles.close(handle)
  if (habits.takesAway && isForWriting(file)) tree.remove(file.path)
  return OK
}

type Numbers = { readonly handle: string; readonly offset: number }

function read({ handle, offset, length }: Numbers & { readonly length: number }, { handles, habits }: Ground): Reply {
  const { inode, flags } = handles.get(handle)
  if (!(flags & OPEN.READ) || inode.kind !== 'file') throw new StatusError(STATUS.FAILURE)
  const data = inode.bytes.read(offset, Math.min(length, habits.mostRead))
  inode.atime = nowSecs()
  return data.length === 0 && length > 0 ? EOF : { type: 'DATA', data }
}

function write({ handle, offset, data }: Numbers & { readonly data: Buffer }, { handles, habits }: Ground): Reply {
  const file = handles.get(handle)
  if (!isForWriting(file) || data.length > habits.mostWrite) throw new StatusError(STATUS.FAILURE)
  const { bytes } = file.inode
  bytes.write(file.flags & OPEN.APPEND ? bytes.size : offset, data)
  file.inode.mtime = nowSecs()
  return OK
}

function openFolder(path: string, { tree, handles }: Ground): Reply {
  handles.checkRoom()
  const inode = tree.get(path)
  if (inode.kind !== 'folder') throw new StatusError(STATUS.NO_SUCH_FILE)
  const pending = ['.', '..', ...inode.entries.keys()]
  return { type: 'HANDLE', handle: handles.add({ inode, path, flags: 0, pending }) }
}

function readFolder(handle: string, { handles, habits }: Ground): Reply {
  const { inode: folder, pending } = handles.get(handle)
  if (pending === undefined) throw new StatusError(STATUS.FAILURE)
  if (pending.length === 0) return EOF
  const names = pending.splice(0, habits.namesPerAnswer).flatMap(name => {
    const inode = name === '.' || name === '..' ? folder : folder.entries.get(name)
    if (inode === undefined) return []
    const longName = habits.longNames ? inode.longName(name) : name
    return [{ name, longName, attributes: without(inode.attributes, habits.unlisted) }]
  })
  return { type: 'NAME', names }
}

/** A file is linked and unlinked, as OpenSSH does, so that nothing is replaced. */
function rename(from: string, to: string, { tree, habits }: Ground): Reply {
  const isTaken = tree.find(to, false).inode !== undefined
  tree.get(from, false)
  if (isTaken && habits.plainRename === 'refuse') throw new StatusError(STATUS.FAILURE)
  tree.rename(from, to)
  return OK
}

function readLink(path: string, { tree }: Ground): Reply {
  const inode = tree.get(path, false)
  if (inode.kind !== 'link') throw new StatusError(STATUS.BAD_MESSAGE)
  return nameReply(inode.target)
}

function nameReply(name: string): Reply {
  return { type: 'NAME', names: [{ name, longName: name, attributes: {} }] }
}

function attributesReply(inode: Inode, { unstated }: Habits): Reply {
  return { type: 'ATTRS', attributes: without(inode.attributes, unstated) }
}

function without({ permissions, ...rest }: Required<Attributes>, parts: readonly AttributePart[]): Attributes {
  const all = { ...rest, permissions: parts.includes('type') ? permissions & 0o7777 : permissions }
  return Object.fromEntries(Object.entries(all).filter(([part]) => !parts.includes(part as AttributePart)))
}
