import { expect, test } from 'vitest'
import { type ListedUpload, Orphans, type UploadRequests } from '../../src/remote/orphans.ts'
import { plainContext } from '../../src/testing/index.ts'

/** The ids that are ended after a creation, of these uploads, and the pages that were asked for. */
async function ended(
  uploads: readonly ListedUpload[],
  ids: readonly string[],
  parts: Readonly<Record<string, number>>,
) {
  const gone: string[] = []
  const pages: Array<string | undefined> = []
  const requests: UploadRequests<{ key: string }> = {
    ids: new Set(ids),
    async list(_prefix, page) {
      pages.push(page)
      return { uploads, next: 'again' }
    },
    async partCount(_upload, id) {
      return parts[id] ?? 0
    },
    async end(_upload, id) {
      gone.push(id)
      return true
    },
  }
  const orphans = new Orphans(requests, 50)
  const now = Date.now()
  const creation = { since: now, until: now, tries: 2, lost: false }
  await orphans.after({ key: 'a' }, creation, Promise.resolve(), plainContext())
  return { gone, pages }
}

test('only uploads of the key and the time that are not our own and have no part are ended', async () => {
  const now = Date.now()
  const made = (uploadId: string, at = now, key = 'a'): ListedUpload => ({ key, uploadId, at })
  const uploads = [
    made('orphan'),
    made('own'),
    made('busy'),
    made('old', now - 60_000),
    made('undated', Number.NaN),
    made('other', now, 'b'),
    made(''),
  ]
  const { gone, pages } = await ended(uploads, ['own'], { busy: 1 })
  expect(new Set(gone)).toEqual(new Set(['orphan']))
  // The same place again is the end of the listing.
  expect(pages).toEqual([undefined, 'again'])
})
