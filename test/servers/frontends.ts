/** Front-end packages of npm, installed on demand in `test/frontends`: stylesheets, modules, fonts and pictures as sites have them. */
import { join } from 'node:path'
import { installedInPlace } from '../support/installed.ts'

/** The folder whose `node_modules` holds the packages; installs them where that was not done for this lock file. */
export function frontendsFolder(): string {
  return installedInPlace(join(import.meta.dirname, '../frontends'))
}
