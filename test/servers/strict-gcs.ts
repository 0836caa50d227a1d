/**
 * A strict Google Cloud Storage server in memory, for tests: the JSON API, the XML API, and the token servers around them. It verifies
 * tokens, signatures, checksums and conditions the way Google documents them (https://cloud.google.com/storage/docs/apis).
 */

import type { LoggedRequest } from './strict/log.ts'
import type { StrictServer, StrictService } from './strict/server.ts'
import { startStrictServer } from './strict/server.ts'
import { cloudPlatform } from './strict-gcs/access.ts'
import {
  type Account,
  type AccountOptions,
  type HmacKey,
  keyFile,
  makeAccounts,
  makeHmacKey,
} from './strict-gcs/accounts.ts'
import { authenticate, checkPayload } from './strict-gcs/auth.ts'
import { runBatch } from './strict-gcs/batch.ts'
import type { Identity, ServerState, StrictGcsOptions } from './strict-gcs/context.ts'
import { errorAnswer } from './strict-gcs/errors.ts'
import { authorizedUser, poolAudience } from './strict-gcs/oauth.ts'
import { PartialWrites } from './strict-gcs/partial-writes.ts'
import { errorStyle, type GcsRequest, parseRequest } from './strict-gcs/request.ts'
import { keepArrived } from './strict-gcs/resumable.ts'
import { operationName, runOperation } from './strict-gcs/routes.ts'
import { SessionList } from './strict-gcs/sessions.ts'
import { Bucket, type BucketOptions, type StoredObject } from './strict-gcs/store.ts'
import { TokenList } from './strict-gcs/tokens.ts'

export { backendError, htmlError, rateLimited, rateLimitedAnswer } from './strict-gcs/errors.ts'
export type { Account, AccountOptions, BucketOptions, HmacKey, LoggedRequest, StoredObject, StrictGcsOptions }

/** What the log of the server has of each request besides. */
export interface GcsLogged {
  readonly bucket: string
  readonly key: string
  /** Who asked; undefined for an anonymous request. */
  readonly email: string | undefined
  /** Whether it is a part of a batch. */
  readonly inBatch: boolean
}

/** A running strict server; its `url` is the endpoint of every API. */
export interface StrictGcs extends StrictServer<GcsRequest, GcsLogged> {
  readonly projectId: string
  /** The first is that of the instance, of the refresh token and of the STS exchange. */
  readonly accounts: readonly Account[]
  readonly hmac: HmacKey
  readonly tokens: TokenList
  readonly sessions: SessionList
  readonly partialWrites: PartialWrites
  /** The key file of an account; default the first one. */
  keyFile(account?: Account): Record<string, string>
  /** The credentials file of a person. */
  authorizedUserFile(): Record<string, string>
  /** The credentials file of a workload elsewhere, whose subject token is in this file; with impersonation of the first account where asked for. */
  externalAccountFile(subjectTokenFile: string, impersonated?: boolean): Record<string, unknown>
  /** A new access token. */
  token(options?: { readonly account?: Account; readonly scopes?: readonly string[]; readonly secs?: number }): string
  /** A bucket's state, to look behind the protocol; throws when there is none. */
  bucket(name?: string): Bucket
}

function stateOf(options: StrictGcsOptions): ServerState {
  const projectId = options.projectId ?? 'strict-project'
  const now = options.now ?? Date.now
  const accounts = makeAccounts(options.accounts ?? [{}], projectId)
  const buckets = new Map<string, Bucket>()
  for (const one of options.buckets ?? ['media']) {
    const bucket = new Bucket(typeof one === 'string' ? { name: one } : one, now())
    buckets.set(bucket.name, bucket)
  }
  return {
    options,
    projectId,
    accounts,
    hmacKeys: options.hmacKeys ?? [makeHmacKey((accounts[0] as Account).email)],
    buckets,
    tokens: new TokenList(),
    sessions: new SessionList(),
    partialWrites: new PartialWrites(),
    running: { url: '' },
    now,
  }
}

/** Keeps what arrives of a part of a resumable upload, should its connection break. */
function watchArrival(state: ServerState, request: GcsRequest): void {
  const { message } = request
  if (message === undefined) return
  const chunks: Buffer[] = []
  message.on('data', (chunk: Buffer) => chunks.push(chunk))
  message.once('close', () => {
    if (!message.complete) keepArrived({ state, request }, Buffer.concat(chunks))
  })
}

function serviceOf(state: ServerState): StrictService<GcsRequest, Identity, GcsLogged> {
  return {
    parse: (message, requestId) => parseRequest(message, requestId, state),
    operation: operationName,
    authenticate(request, operation) {
      const identity = authenticate(request, state)
      if (operation === 'objects.insert.part') watchArrival(state, request)
      return identity
    },
    unwrap(request, { payload }) {
      checkPayload(payload, request.body)
      return request
    },
    run(operation, request, identity) {
      const context = { state, request, identity }
      return operation === 'batch' ? runBatch(context) : runOperation(operation, context)
    },
    errorAnswer: (refusal, request) => errorAnswer(refusal, errorStyle(request)),
    headers: requestId => ({ 'x-guploader-uploadid': requestId, server: 'UploadServer' }),
    logged: ({ bucket, key }, identity) => ({ bucket, key, email: identity?.account?.email, inBatch: false }),
  }
}

/** Starts a strict Cloud Storage server on a free loopback port. */
export async function startStrictGcs(options: StrictGcsOptions = {}): Promise<StrictGcs> {
  const state = stateOf(options)
  const server = await startStrictServer(serviceOf(state))
  const { url, faults, requests } = server
  const log: ServerState['running']['log'] = (entry, { bucket, key }, email) => {
    requests.push({ ...entry, bucket, key, email, inBatch: true })
  }
  Object.assign(state.running, { url, faults, log })
  const [first] = state.accounts as [Account]
  return {
    ...server,
    projectId: state.projectId,
    accounts: state.accounts,
    hmac: state.hmacKeys[0] as HmacKey,
    tokens: state.tokens,
    sessions: state.sessions,
    partialWrites: state.partialWrites,
    keyFile: (account = first) => keyFile(account, state.projectId, url),
    authorizedUserFile: () => ({ type: 'authorized_user', ...authorizedUser, token_uri: `${url}/token` }),
    externalAccountFile: (file, impersonated = false) => ({
      type: 'external_account',
      audience: poolAudience,
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      token_url: `${url}/v1/token`,
      credential_source: { file },
      ...(impersonated
        ? {
            service_account_impersonation_url: `${url}/v1/projects/-/serviceAccounts/${first.email}:generateAccessToken`,
          }
        : {}),
    }),
    token: ({ account = first, scopes = [cloudPlatform], secs = options.tokenSecs ?? 3600 } = {}) =>
      state.tokens.give(account, scopes, state.now() + secs * 1000).text,
    bucket: (name = 'media') => {
      const bucket = state.buckets.get(name)
      if (bucket === undefined) throw new Error(`no bucket ${name}`)
      return bucket
    },
  }
}
