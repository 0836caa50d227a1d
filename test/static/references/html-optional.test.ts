import { expect, test, vi } from 'vitest'
import { StorageError } from '../../../src/core/errors.ts'

vi.mock('../../../src/core/optional.ts', async original => {
  const { importOptional } = await original<typeof import('../../../src/core/optional.ts')>()
  return { importOptional: (name: string, neededFor: string) => importOptional(`${name}-is-missing`, neededFor) }
})

test('without htmlparser2 the error says what needs it, and how it is installed', async () => {
  const { htmlReferences } = await import('../../../src/static/references/html.ts')
  const error = await Promise.resolve(htmlReferences('<img src=x>')).catch(thrown => thrown)
  expect(error).toBeInstanceOf(StorageError)
  expect(error).toMatchObject({
    code: 'improperly_configured',
    message:
      "Rewriting references in HTML needs the package 'htmlparser2-is-missing'. Install it: npm i htmlparser2-is-missing",
  })
})
