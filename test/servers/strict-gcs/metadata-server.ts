/** The metadata server of an instance (https://cloud.google.com/compute/docs/metadata): its account, its project, its tokens. */

import { cloudPlatform } from './access.ts'
import type { Account } from './accounts.ts'
import type { GcsAnswer, OperationContext } from './context.ts'
import { GcsError } from './errors.ts'
import { giveToken } from './oauth.ts'

const flavor = { 'metadata-flavor': 'Google', server: 'Metadata Server for VM' }

function text(body: string): GcsAnswer {
  return { status: 200, headers: { ...flavor, 'content-type': 'application/text' }, body }
}

function json(value: unknown): GcsAnswer {
  return { status: 200, headers: { ...flavor, 'content-type': 'application/json' }, body: JSON.stringify(value) }
}

/** GET below /computeMetadata/v1. */
export function metadataServer(context: OperationContext): GcsAnswer {
  const { state, request } = context
  if (request.headers['metadata-flavor'] !== 'Google') {
    throw new GcsError(403, 'forbidden', 'Missing Metadata-Flavor:Google header.')
  }
  if (request.headers['x-forwarded-for'] !== undefined) throw new GcsError(403, 'forbidden', 'Forbidden')
  const account = state.accounts[0] as Account
  const path = request.rawPath.replace(/^\/computeMetadata\/v1/, '').replace(/\/$/, '')
  const own = new RegExp(`^/instance/service-accounts/(default|${account.email.replaceAll('.', '\\.')})`)
  const asked = path.replace(own, '/account')
  switch (asked) {
    case '':
    case '/':
    case '/instance':
      return text('computeMetadata/')
    case '/project/project-id':
      return text(state.projectId)
    case '/project/numeric-project-id':
      return text('1')
    case '/universe/universe-domain':
    case '/universe/universe_domain':
      return text('googleapis.com')
    case '/account/email':
      return text(account.email)
    case '/account/scopes':
      return text(`${cloudPlatform}\n`)
    case '/account':
      return json({ aliases: ['default'], email: account.email, scopes: [cloudPlatform] })
    case '/account/token': {
      const scopes = (request.query['scopes'] ?? cloudPlatform).split(',')
      const token = giveToken(state, account, scopes)
      return json({ access_token: token.text, expires_in: token.secs, token_type: 'Bearer' })
    }
    default:
      throw new GcsError(404, 'notFound', 'Not Found', {}, flavor)
  }
}
