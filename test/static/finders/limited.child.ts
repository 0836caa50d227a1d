// Looks at a folder under a limit and prints what came of it as JSON: as a user who is not root, or with all descriptors in use.
import { closeSync, openSync } from 'node:fs'
import { FolderFinder } from '../../../src/static/finders/folders.ts'
import type { StaticFile } from '../../../src/static/types.ts'

const [limit, folder] = process.argv.slice(2) as ['user' | 'descriptors', string]
const finder = new FolderFinder([folder])
const options = { isIgnored: () => false, onSkipped: (...report: unknown[]) => void skipped.push(report) }
const skipped: unknown[] = []
const codeOf = ({ code }: { code?: unknown }) => code
const read = async (files: readonly StaticFile[]) => {
  const results: Record<string, unknown> = {}
  for (const file of files) {
    const whole = await file.readUpTo(10).then(bytes => bytes?.toString(), codeOf)
    let streamed: unknown = ''
    try {
      for await (const chunk of file.open()) streamed += String(chunk)
    } catch (error) {
      streamed = String(error)
    }
    results[file.name] = [whole, streamed]
  }
  return results
}
const list = async () => {
  const files: StaticFile[] = []
  for await (const file of finder.files(options)) files.push(file)
  return files
}

let output: unknown
if (limit === 'user') {
  if (process.getuid?.() === 0) {
    process.setgid?.(65_534)
    process.setuid?.(65_534)
  }
  output = { read: await read(await list()), skipped, found: await finder.find('shut/b.css').catch(codeOf) }
} else {
  const files = await list()
  const held: number[] = []
  try {
    for (;;) held.push(openSync('/dev/null', 'r'))
  } catch {}
  output = { read: await read(files), listed: await list().catch(codeOf), skipped }
  for (const descriptor of held) closeSync(descriptor)
}
process.stdout.write(JSON.stringify(output))
