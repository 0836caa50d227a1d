import { afterAll, describe, expect, it } from 'vitest'
import { NINEFOLD_PATH, startStrictAtmos, startStrictNinefold } from '../../servers/strict-atmos.ts'
import { at, ninefoldWith, storageWith } from './support.ts'

let ahead = 0
const server = await startStrictAtmos({ now: () => Date.now() + ahead })
const ninefold = await startStrictNinefold()
const files = storageWith({ ...at(server), fileOverwrite: true })
const ODD = 'folder/Ünïcode & <odd> +=%2F?#.txt'
await files.save(ODD, 'the bytes')
afterAll(async () => {
  await files.close()
  await Promise.all([server.close(), ninefold.close()])
})

/** Status, code, disposition and text. */
async function fetched(url: string): Promise<unknown[]> {
  const answer = await fetch(url)
  const text = await answer.text()
  return [answer.status, /<Code>(\d+)/.exec(text)?.[1] ?? text, answer.headers.get('content-disposition')]
}

const secsLeft = (url: string): number =>
  Number(new URL(url).searchParams.get('expires')) - Math.floor(Date.now() / 1000)

describe('case 40: a shareable URL', () => {
  it('has the port, gives the bytes of an odd name, and lives 7 days', async () => {
    const url = await files.url(ODD)
    expect(new URL(url).port).toBe(String(server.port))
    expect(url).toContain(
      '/rest/namespace/media/folder/%C3%9Cn%C3%AFcode%20%26%20%3Codd%3E%20%2B%3D%252F%3F%23.txt?uid=',
    )
    expect(Math.abs(secsLeft(url) - 604_800)).toBeLessThan(60)
    expect(await fetched(url)).toEqual([200, 'the bytes', null])
    // Nothing was asked to make it.
    expect(server.requests.at(-1)).toMatchObject({ by: 'url' })
  })

  it('sets the disposition of its answer', async () => {
    const url = await files.url(ODD, { expiresInSecs: 60, contentDisposition: 'attachment; filename="x y.txt"' })
    expect(await fetched(url)).toEqual([200, 'the bytes', 'attachment; filename="x y.txt"'])
    expect(await fetched(url.replace('attachment', 'inline'))).toEqual([403, '1032', null])
  })

  it('is refused when it was changed', async () => {
    const url = await files.url(ODD, { expiresInSecs: 60 })
    for (const change of [
      url.replace('folder/', 'other/'),
      url.replace(/expires=\d/, 'expires=9'),
      url.replace(/signature=.../, 'signature=AAA'),
    ]) {
      expect(await fetched(change)).toEqual([403, '1032', null])
    }
  })

  it('is refused when it has expired', async () => {
    const other = await startStrictAtmos({ now: () => Date.now() + 61_000, credentials: [server.credentials] })
    await using there = storageWith(at(other))
    const url = await there.url('a', { expiresInSecs: 60 })
    expect(await fetched(url)).toEqual([403, '1031', null])
    await other.close()
  })

  it.each([
    [{ method: 'PUT' }, 'unsupported', 'for GET, none for PUT'],
    [{ method: 'HEAD' }, 'unsupported', 'for GET, none for HEAD'],
    [{ contentType: 'text/plain' }, 'unsupported', "cannot have 'contentType'"],
    [{ parameters: { x: 1 } }, 'unsupported', "cannot have 'x'"],
    [{ expiresInSecs: 315_360_001 }, 'invalid_argument', 'from 1 to 315360000'],
  ] as const)('refuses %j', async (options, code, text) => {
    await expect(files.url(ODD, options)).rejects.toMatchObject({ code, message: expect.stringContaining(text) })
  })

  it('is made by the clock of the service where that is known', async () => {
    ahead = 3_600_000
    try {
      await files.exists(ODD)
      const url = await files.url(ODD, { expiresInSecs: 60 })
      expect(Math.abs(secsLeft(url) - 3660)).toBeLessThan(30)
      expect(await fetched(url)).toEqual([200, 'the bytes', null])
    } finally {
      ahead = 0
    }
  })
})

it('case 43: of Ninefold a URL has the prefix, and its signature has not', async () => {
  await using storage = ninefoldWith(at(ninefold))
  await storage.save('a.txt', 'ninefold')
  const url = await storage.url('a.txt', { expiresInSecs: 60 })
  expect(new URL(url).pathname).toBe(`${NINEFOLD_PATH}/rest/namespace/media/a.txt`)
  expect(await fetched(url)).toEqual([200, 'ninefold', null])
  for (const { url: asked, by } of ninefold.requests) {
    expect(asked.startsWith(`${NINEFOLD_PATH}/rest/`), asked).toBe(true)
    expect(by).toBeDefined()
  }
})

it('a service that signs the prefix as well is served with signPath', async () => {
  const whole = await startStrictNinefold({ signsDriverPath: true })
  await using right = ninefoldWith({ ...at(whole), signPath: true })
  await using wrong = ninefoldWith({ ...at(whole), maxAttempts: 1 })
  await right.save('a.txt', 'whole')
  expect(await fetched(await right.url('a.txt'))).toEqual([200, 'whole', null])
  await expect(wrong.readText('a.txt')).rejects.toMatchObject({
    code: 'permission_denied',
    message: expect.stringContaining('see signPath'),
  })
  await whole.close()
})

it('a custom domain has plain URLs', async () => {
  await using storage = storageWith({ ...at(server), customDomain: 'cdn.example.com' })
  expect(await storage.url('a b.txt')).toBe('https://cdn.example.com/a%20b.txt')
})
