/** Containers: conformance, lies, lost answers, aborts, and what only Atmos has. */
import { afterAll, describe, expect, it } from 'vitest'
import { containerConformance, registerConformance } from '../../../src/testing/index.ts'
import { lackingElement } from '../../faults/answers.ts'
import { describeContainerFaults } from '../../faults/containers.ts'
import { after, LIES, xmlLies } from '../../faults/lies.ts'
import { ask } from '../../servers/strict-atmos/asker.ts'
import { startStrictAtmos } from '../../servers/strict-atmos.ts'
import { listing, refusal, scripted } from './scripted.ts'
import { at, driverFor, storageWith } from './support.ts'

const server = await startStrictAtmos({ pageSize: 3 })
afterAll(() => server.close())

registerConformance(
  { describe, it },
  containerConformance({
    create: (container = 'media') => driverFor(server, { container }),
    limits: true,
    keeps: ['createdAt'],
  }),
  'containers of AtmosDriver and a strict server',
)

const faulty = await startStrictAtmos()
afterAll(() => faulty.close())
await ask(faulty, 'POST', '/rest/namespace/media/')

describeContainerFaults({
  title: 'requests about containers of Atmos',
  server: faulty,
  storage: maxAttempts => storageWith({ ...at(faulty), maxAttempts }),
  lookUp: name => faulty.tree.find(name) !== undefined,
  steps: {
    create: { operation: 'CreateDirectory', lies: LIES },
    stat: { operation: 'HeadObject', lies: LIES },
    list: {
      operation: 'ListDirectory',
      lies: [
        ...xmlLies('Filename'),
        after('no names', lackingElement('Filename')),
        after('no list', lackingElement('DirectoryList')),
      ],
    },
    delete: { operation: 'DeleteDirectory', lies: LIES },
  },
})

describe('a container in which files have left folders', () => {
  it('is deleted with them', async () => {
    await using files = storageWith({ ...at(server), container: 'left' })
    for (const name of ['a/b/c.txt', 'a/d.txt', 'e/f.txt', 'g/h.txt', 'i/j.txt']) {
      await files.save(name, 'x')
      await files.delete(name)
    }
    await files.driver.deleteContainer('left')
    expect(server.tree.find('left')).toBeUndefined()
  })

  it('is not_empty while one file is somewhere in it, and no folder goes', async () => {
    await using files = storageWith({ ...at(server), container: 'kept' })
    for (const name of ['a/b/c.txt', 'x/y/z.txt']) await files.save(name, 'x')
    await files.delete('a/b/c.txt')
    await expect(files.driver.deleteContainer('kept')).rejects.toMatchObject({ code: 'not_empty' })
    expect(server.tree.find('kept/a/b')).toMatchObject({ type: 'directory' })
    expect(await files.readText('x/y/z.txt')).toBe('x')
  })

  it.each(['', '.', '..', 'a/b', 'without end'])(
    'is not_empty, and nothing else is asked for or removed, where a folder in it is called %j',
    async name => {
      const entry = `<DirectoryEntry><FileType>directory</FileType><Filename>${name}</Filename></DirectoryEntry>`
      const files = scripted(({ method }) => {
        if (method === 'HEAD') return { status: 200, headers: { 'x-emc-meta': 'type=directory, size=0' } }
        return method === 'DELETE' ? refusal(1023) : listing(entry)
      })
      await expect(files.driver.deleteContainer('c1')).rejects.toMatchObject({ code: 'not_empty' })
      expect(files.asked.filter(({ method }) => method === 'DELETE')).toHaveLength(1)
      expect(files.asked.every(({ url }) => new URL(url).href === url && !url.endsWith('//'))).toBe(true)
      expect(files.asked.length).toBeLessThan(400)
    },
  )
})
