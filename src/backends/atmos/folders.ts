import type { CallContext } from '../../core/call.ts'
import type { AtmosClient } from './client.ts'
import { AtmosError, EXISTS } from './errors.ts'

/** Makes a folder (its path ends in a slash, '' is the root) and its parents; an existing one is no error. */
export async function makeFolders(client: AtmosClient, path: string, ctx: CallContext): Promise<void> {
  for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) {
    const folder = path.slice(0, at + 1)
    await ctx.step('makeFolder', true, async step => {
      try {
        await client.done({ method: 'POST', path: folder, body: Buffer.alloc(0) }, step)
      } catch (error) {
        if (!(error instanceof AtmosError) || error.serviceCode !== EXISTS) throw error
      }
    })
  }
}
