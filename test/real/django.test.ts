/**
 * Python's django-storages and Holdall in one bucket of a real server, by the same settings. Where the two differ on purpose, the case
 * says why and what each does.
 */
import { afterAll, afterEach, expect, test } from 'vitest'
import { describeConnections } from './django/connections.ts'
import { describeNames } from './django/lists.ts'
import { startPlace } from './django/place.ts'
import { describeFiles } from './django/reads.ts'
import { describeSaves } from './django/saves.ts'
import { describeUrls } from './django/urls.ts'

const place = await startPlace()
afterAll(() => place[Symbol.asyncDispose](), 60_000)
afterEach(() => place.empty())

test('what is compared with is what Debian packages', async () => {
  const versions = await place.django.ask<Record<string, string>>('versions', { settings: {} })
  expect(versions['path']).toMatch(/^\/usr\/lib\/python3\/dist-packages\//)
  // The differences that the cases list are those of this version.
  expect(versions['storages']).toBe('1.13.2')
})

describeSaves(place)
describeUrls(place)
describeFiles(place)
describeNames(place)
describeConnections(place)
