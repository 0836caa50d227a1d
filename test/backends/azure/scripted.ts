/** A service that answers as a test says, in place of Azure Blob. */
import type { AzureOptions } from '../../../src/backends/azure/settings.ts'
import type { Input } from '../../../src/core/settings.ts'
import { type ScriptedServer, scriptedServer } from '../../support/scripted.ts'

/** A running one, with what it was asked. */
export interface Scripted extends ScriptedServer {
  /** Options of a storage for it. */
  readonly options: Input<AzureOptions>
}

/** Starts one; `answer` gets the number of the request, from 0. */
export async function scripted(answer: Parameters<typeof scriptedServer>[0]): Promise<Scripted> {
  const server = await scriptedServer(answer)
  const accountKey = Buffer.from('the key of an account').toString('base64')
  const place = { endpointUrl: `${server.url}/scripted`, accountName: 'scripted', azureContainer: 'media' }
  return { ...server, options: { ...place, accountKey, maxAttempts: 1 } }
}
