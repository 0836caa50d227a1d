import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const FOLDERS = 100
const RULES = 30

/** The text of a stylesheet of about 3 KB, of which no two are alike; `first` comes before its rules. */
export function sheet(at: number, first = ''): string {
  let text = first
  for (let rule = 0; rule < RULES; rule++) {
    const colour = ((at * RULES + rule) * 2654435761) % 0xffffff
    text += `.block-${at} .part-${rule} { color: #${colour.toString(16).padStart(6, '0')}; padding: ${rule}px ${at % 97}px; margin: 0 auto }\n`
  }
  return text
}

/** Writes so many stylesheets into 100 folders; with `isLinked` nine in ten import another one and name a picture. */
export async function writeTree(folder: string, files: number, isLinked: boolean): Promise<void> {
  for (let at = 0; at < FOLDERS; at++) await mkdir(join(folder, `part-${at}`), { recursive: true })
  if (isLinked) await writeFile(join(folder, 'a.png'), 'a picture')
  const name = (at: number): string => `part-${at % FOLDERS}/sheet-${at}.css`
  for (let at = 0; at < files; at++) {
    const links = at % 10 === 0 ? '' : `@import "../${name(at - 1)}";\n.first { background: url(../a.png) }\n`
    await writeFile(join(folder, name(at)), sheet(at, isLinked ? links : ''))
  }
}
