import { access, constants, mkdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { nodeCrypto } from '../core/builtin.ts'
import { addressOf } from '../storage/address.ts'
import type { SyncPlace } from './commands/places.ts'

/** Folders of this user for what commands store, by the variable that may set them. (XDG Base Directory Specification) */
const FOLDERS = { cache: ['XDG_CACHE_HOME', '.cache'], state: ['XDG_STATE_HOME', '.local/state'] } as const

/** Returns the path of a folder below this user's `cache` or `state` folder. Creates nothing. */
export function userFolder(kind: keyof typeof FOLDERS, name: string): string {
  const [variable, otherwise] = FOLDERS[kind]
  return join(process.env[variable] || join(homedir(), otherwise), 'holdall', name)
}

/** Creates a folder that only this user can read, unless it exists, and checks that files can be created in it. */
export async function makeWritable(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await access(folder, constants.W_OK)
}

/** Returns a hash of both places of a run: the same for the same places, whatever their aliases. */
export async function hashOfPlaces(source: SyncPlace, target: SyncPlace): Promise<string> {
  const places = await Promise.all([source, target].map(addressText))
  return nodeCrypto().createHash('sha256').update(JSON.stringify(places)).digest('hex').slice(0, 32)
}

async function addressText({ storage, path, folder }: SyncPlace): Promise<string> {
  if (folder !== undefined) return folder
  const known = await addressOf(storage, storage.normalRef(path === '' ? 'x' : path)).catch(() => undefined)
  return `${storage.constructor.name} ${known ?? ''} ${storage.prefix}${path}`
}
