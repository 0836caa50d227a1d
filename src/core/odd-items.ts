import { errnoOf, isExhaustion } from './errno.ts'

/** Maximum number of warnings per walk; one more states that there were others. */
const MAX_REPORTS = 10

/** Maximum length of a key in a warning; of a longer one the end is shown. */
const MAX_SHOWN = 200

/** Why a name in the file system cannot be used. */
export const NOT_UTF8 = 'its name is not UTF-8'

/** The items that a walk skips. Each is reported as a process warning with the code `HOLDALL_LEFT_OUT`, and the walk continues. */
export class OddItems {
  #reports = 0

  /** Reports an item with its error or a reason. An error that concerns the whole process is thrown instead. */
  report(key: string, why: unknown): void {
    if (isExhaustion(why)) throw why
    this.#reports++
    if (this.#reports > MAX_REPORTS + 1) return
    const shown = key.length > MAX_SHOWN ? `...${key.slice(-MAX_SHOWN)}` : key
    const text = `${JSON.stringify(shown)} is left out: ${reasonOf(why)}.`
    const message = this.#reports > MAX_REPORTS ? 'More files or folders are left out.' : text
    process.emitWarning(message, { code: 'HOLDALL_LEFT_OUT' })
  }
}

/** Returns the system's error text without the path, which may be internal. */
function reasonOf(why: unknown): string {
  if (!(why instanceof Error)) return String(why)
  return errnoOf(why) === undefined ? why.message : why.message.replace(/, \w+( '.*)?$/s, '')
}
