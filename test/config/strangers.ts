import { chmod, chown, stat } from 'node:fs/promises'

/** A user and a group that no test runs as. */
const STRANGER = 12_345

/** What is said of a file that `letStrangersWrite` was given. */
export const FOREIGN: RegExp = /belongs to user 12345|is writable by all users/

/** Lets others decide what a file or folder holds: gives it to another user where this one may do so, else lets everybody write to it. */
export async function letStrangersWrite(path: string): Promise<void> {
  if (process.getuid?.() === 0) return chown(path, STRANGER, STRANGER)
  await chmod(path, (await stat(path)).mode | 0o002)
}
