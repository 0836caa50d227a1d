// Puts a folder aside, a link to another one in its place, and back again, until it is killed.
import { renameSync } from 'node:fs'

const [folder, link] = process.argv.slice(2) as [string, string]
let away = 0

/** A folder that somebody made in the gap is put away. */
function put(from: string, to: string): void {
  for (;;) {
    try {
      renameSync(from, to)
      return
    } catch {
      renameSync(to, `${folder}.away-${away++}`)
    }
  }
}

for (let turn = 0; ; turn++) {
  put(folder, `${folder}.aside`)
  put(link, folder)
  put(folder, link)
  put(`${folder}.aside`, folder)
  if (turn === 0) process.stdout.write('ready\n')
}
