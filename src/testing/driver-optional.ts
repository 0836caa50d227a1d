import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import type { HandleFlags } from '../core/driver.ts'
import type { CaseOf } from './case.ts'
import type { DriverPlace, OptionalMethod } from './driver-place.ts'

const METHODS: Record<OptionalMethod, true> = {
  discover: true,
  deleteMany: true,
  copy: true,
  move: true,
  publicUrl: true,
  signUrl: true,
  uploadTarget: true,
  address: true,
  parts: true,
  localPath: true,
  openHandle: true,
  createContainer: true,
  sweep: true,
  visibility: true,
  setVisibility: true,
  setModifiedAt: true,
}

const OPEN: HandleFlags = { read: true, write: true, create: true, exclusive: false, truncate: false }

/** Optional methods of a driver: each works, or is absent. */
export const optionalCases: readonly CaseOf<DriverPlace>[] = [
  {
    title: 'The features and the optional methods are those that were announced.',
    async run({ driver, features, options: { expects = {} } }) {
      assert.deepEqual({ ...features, ...expects.features }, { ...features })
      for (const method of Object.keys(METHODS) as OptionalMethod[]) {
        const present = driver[method] !== undefined
        if (present) assert.equal(typeof driver[method], 'function', method)
        if (expects.methods !== undefined)
          assert.equal(present, expects.methods.includes(method), `presence of ${method}`)
      }
      assert.match(driver.name, /^[a-z][a-z0-9-]*$/)
    },
  },
  {
    title: 'classify says nothing of errors that are none of its protocol.',
    async run({ driver }) {
      for (const foreign of [
        new Error('foreign'),
        new TypeError('x is not a function'),
        'text',
        null,
        undefined,
        {},
        7,
      ]) {
        assert.equal(driver.classify(foreign), undefined)
      }
    },
  },
  {
    title: 'A copy has the bytes and metadata of its source, which stays.',
    async run(place) {
      if (place.driver.copy === undefined) return
      const { driver, features } = place
      await place.put('from', 'bytes', { metadata: { key: 'välue' }, contentType: 'text/x-odd' })
      await place.put('dir/to', 'a longer old file')
      await driver.copy!(place.key('from'), place.key('dir/to'), {}, place.ctx)
      assert.deepEqual([await place.text('from'), await place.text('dir/to')], ['bytes', 'bytes'])
      const { metadata, contentType } = await place.stat('dir/to')
      if (features.metadata) assert.deepEqual([{ ...metadata }, contentType], [{ key: 'välue' }, 'text/x-odd'])
      await place.put('from', 'changed')
      assert.equal(await place.text('dir/to'), 'bytes')
    },
  },
  {
    title: 'A moved file is in its new place only, with its bytes and metadata.',
    async run(place) {
      if (place.driver.move === undefined) return
      await place.put('from', 'bytes', { metadata: { key: 'value' } })
      await place.put('dir/to', 'a longer old file')
      await place.driver.move(place.key('from'), place.key('dir/to'), {}, place.ctx)
      assert.equal(await place.text('dir/to'), 'bytes')
      await place.fails(place.stat('from'), 'not_found')
      if (place.features.metadata) assert.deepEqual({ ...(await place.stat('dir/to')).metadata }, { key: 'value' })
      await place.driver.move(place.key('dir/to'), place.key('dir/to'), {}, place.ctx)
      assert.equal(await place.text('dir/to'), 'bytes', 'moving a file onto itself lost it')
    },
  },
  ...(['copy', 'move'] as const).map(
    (method): CaseOf<DriverPlace> => ({
      title: `A ${method} of a missing file is not_found and leaves the target.`,
      async run(place) {
        if (place.driver[method] === undefined) return
        await place.put('to', 'old')
        await place.fails(place.driver[method](place.key('missing'), place.key('to'), {}, place.ctx), 'not_found')
        assert.equal(await place.text('to'), 'old')
      },
    }),
  ),
  ...(['copy', 'move'] as const).map(
    (method): CaseOf<DriverPlace> => ({
      title: `A ${method} with ifAbsent onto a taken key fails and changes nothing.`,
      async run(place) {
        if (place.driver[method] === undefined) return
        await place.put('from', 'new')
        await place.put('to', 'old')
        const call = place.driver[method](place.key('from'), place.key('to'), { ifAbsent: true }, place.ctx)
        await place.fails(call, 'exists', 'unsupported')
        assert.deepEqual([await place.text('from'), await place.text('to')], ['new', 'old'])
      },
    }),
  ),
  {
    title: 'Odd names can be copied and moved.',
    async run(place) {
      const [from, to] = ['from ü+%?#/a b', 'to 🙂&=%2F/c d']
      for (const method of ['copy', 'move'] as const) {
        if (place.driver[method] === undefined) continue
        await place.put(from, method)
        await place.driver[method](place.key(from), place.key(to), {}, place.ctx)
        assert.equal(await place.text(to), method)
      }
    },
  },
  {
    title: 'Many files are deleted at once; missing ones and odd names are fine, neighbours stay.',
    async run(place) {
      if (place.driver.deleteMany === undefined) return
      const names = ['a', 'b/c', 'odd <&> ü+%20.txt']
      for (const name of [...names, 'stays']) await place.put(name, name)
      const keys = [...names, 'missing', 'b/missing'].map(name => place.key(name))
      const results = await place.driver.deleteMany(keys, place.ctx)
      assert.deepEqual(
        results.map(result => [result.key, result.error]),
        keys.map(key => [key, undefined]),
      )
      assert.deepEqual((await place.list('', true)).names, ['stays'])
      assert.deepEqual(await place.driver.deleteMany([], place.ctx), [])
    },
  },
  {
    title: 'A public URL ends in the encoded key and, where anybody may read, gives the bytes.',
    async run(place) {
      if (place.driver.publicUrl === undefined) return
      for (const name of ['plain.txt', 'dir/odd ü+%41?#&.txt']) {
        await place.put(name, name)
        const url = place.driver.publicUrl(place.key(name))
        const path = new URL(url, 'http://base.invalid').pathname
        assert.ok(decodeURIComponent(path).endsWith(place.key(name)), `${url} does not end in ${place.key(name)}`)
        if (place.options.publicRead === true && url.startsWith('http')) {
          assert.equal(await (await place.fetch(url)).text(), name)
        }
      }
    },
  },
  {
    title: 'A signed URL gives the bytes to anybody who has it.',
    async run(place) {
      if (place.driver.signUrl === undefined) return
      for (const name of ['plain.txt', 'dir/odd ü+%41?#&.txt']) {
        await place.put(name, name)
        const url = await place.driver.signUrl(place.key(name), { method: 'GET', expiresInSecs: 60 }, place.ctx)
        if (!url.startsWith('http') && place.options.fetch === undefined) {
          const { pathname } = new URL(url, 'http://base.invalid')
          assert.ok(decodeURIComponent(pathname).endsWith(place.key(name)), `${url} does not end in ${place.key(name)}`)
          continue
        }
        const answer = await place.fetch(url)
        assert.deepEqual([answer.status, await answer.text()], [200, name])
      }
    },
  },
  {
    title: 'A signed URL that was changed is refused.',
    async run(place) {
      if (place.driver.signUrl === undefined) return
      await place.put('signed.txt', 'secret')
      await place.put('other.txt', 'other')
      const url = await place.driver.signUrl(place.key('signed.txt'), { method: 'GET', expiresInSecs: 60 }, place.ctx)
      const changed = url.replace('signed.txt', 'other.txt')
      if (changed === url || (!url.startsWith('http') && place.options.fetch === undefined)) return
      const answer = await place.fetch(changed)
      assert.ok(answer.status >= 400 && answer.status < 500, `status ${answer.status}`)
    },
  },
  {
    title: 'The address of a key is always the same and no other key has it.',
    async run(place) {
      if (place.driver.address === undefined) return
      await place.put('here', 'bytes')
      const addresses: string[] = []
      for (const name of ['here', 'here.txt', 'dir/here', 'missing/here']) {
        const address = await place.driver.address(place.key(name), place.ctx)
        assert.equal(await place.driver.address(place.key(name), place.ctx), address)
        addresses.push(address)
      }
      assert.equal(new Set(addresses).size, addresses.length, addresses.join(' '))
    },
  },
  {
    title: 'A local path leads to the bytes.',
    async run(place) {
      if (place.driver.localPath === undefined) return
      await place.put('dir/on disk', 'bytes')
      assert.equal(await readFile(place.driver.localPath(place.key('dir/on disk')), 'utf8'), 'bytes')
    },
  },
  {
    title: 'The time of a file can be set; bytes and attributes stay, and no file or folder is made.',
    async run(place) {
      if (place.driver.setModifiedAt === undefined) return
      const time = new Date('2001-02-03T04:05:06Z')
      const set = (name: string) => place.driver.setModifiedAt!(place.key(name), time, place.ctx)
      await place.fails(set('dir/timed'), 'not_found')
      await place.put('dir/timed', 'bytes', { metadata: { key: 'välue' }, contentType: 'text/x-odd' })
      const before = await place.stat('dir/timed')
      try {
        await set('dir/timed')
      } catch (error) {
        // A server may not set times, although others of the protocol do.
        if (place.codeOf(error) !== 'unsupported') throw error
        assert.deepEqual((await place.stat('dir/timed')).modifiedAt, before.modifiedAt)
        return
      }
      for (let reads = 0; reads < 2; reads++) {
        const { modifiedAt, metadata, contentType, size } = await place.stat('dir/timed')
        assert.equal(modifiedAt?.toISOString(), time.toISOString())
        assert.deepEqual(
          [size, contentType, { ...metadata }],
          [before.size, before.contentType, { ...before.metadata }],
        )
        assert.equal(await place.text('dir/timed'), 'bytes')
      }
      assert.deepEqual((await place.list('', true)).names, ['dir/timed'])
      await place.fails(set('dir/timed/below'), 'not_found', 'not_a_directory')
      if (place.options.tree === true) await place.fails(set('dir'), 'is_directory')
    },
  },
  {
    title: 'A handle writes at any place and publishes at commit; discarded, it publishes nothing.',
    async run(place) {
      if (place.driver.openHandle === undefined) return
      await place.put('handle', '0123456789')
      const open = (name: string, flags: Partial<HandleFlags> = {}) =>
        place.driver.openHandle!(place.key(name), { ...OPEN, ...flags }, {}, place.ctx)
      const handle = await open('handle')
      await handle.write(4, Buffer.from('XY'), place.ctx)
      await handle.truncate(8, place.ctx)
      assert.equal(await handle.size(place.ctx), 8)
      assert.equal((await handle.read(3, 3, place.ctx)).toString(), '3XY')
      await handle.commit(place.ctx)
      assert.equal(await place.text('handle'), '0123XY67')
      const discarded = await open('dir/discarded', { truncate: true })
      await discarded.write(0, Buffer.from('never'), place.ctx)
      await discarded.discard()
      assert.equal(await place.exists('dir/discarded'), false)
      await place.fails(open('missing', { create: false }), 'not_found')
    },
  },
  {
    title: 'The driver can be closed twice.',
    async run(place) {
      await place.put('last', 'bytes')
      await place.driver.delete(place.key('last'), place.ctx)
      await place.driver.close?.()
      await place.driver.close?.()
    },
  },
]
