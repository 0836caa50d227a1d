/** The page on tracing lists every channel, and no other one. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { channelsOf, withChannels } from '../../scripts/docs-channels.ts'

test('the page on tracing lists the channels of the sources', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/recipes/tracing.md'), 'utf8')
  const channels = channelsOf()
  expect(channels.calls).toEqual(expect.arrayContaining(['save', 'open', 'exists', 'read', 'write', 'copy', 'move']))
  expect(channels.steps).toEqual(
    expect.arrayContaining(['createUpload', 'uploadPart', 'completeUpload', 'deleteBatch']),
  )
  expect(page, 'npm run docs:reference writes the lists').toBe(withChannels(page, channels))
})
