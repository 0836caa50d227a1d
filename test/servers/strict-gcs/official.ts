/** The official client, pointed at a strict server. */
import { Storage } from '@google-cloud/storage'
import { GoogleAuth } from 'google-auth-library'
import type { StrictGcs } from '../strict-gcs.ts'
import type { Account } from './accounts.ts'

/** A client that gets its tokens from the server's token endpoint, with an account's key file; default the first account. */
export function officialClient(server: StrictGcs, account?: Account): Storage {
  const key = server.keyFile(account)
  const mapped = (url: string | URL | Request, init?: RequestInit): Promise<Response> =>
    fetch(String(url).replace('https://oauth2.googleapis.com', server.url), init)
  const authClient = new GoogleAuth({
    credentials: key,
    scopes: ['https://www.googleapis.com/auth/devstorage.full_control'],
    clientOptions: { transporterOptions: { fetchImplementation: mapped } },
  })
  return new Storage({
    apiEndpoint: server.url,
    projectId: server.projectId,
    authClient,
    useAuthWithCustomEndpoint: true,
    retryOptions: { autoRetry: false },
  })
}
