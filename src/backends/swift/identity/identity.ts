import type { CallContext } from '../../../core/call.ts'
import type { ConnectionOptions } from '../../../remote/options.ts'
import type { CommonOptions } from '../../../storage/common-settings.ts'
import type { Services } from '../../../storage/types.ts'
import type { Session } from './session.ts'
import type { IdentityOptions } from './settings.ts'

/** Who one storage is, and how its identity service is reached. */
export type IdentityInput = IdentityOptions & ConnectionOptions & Pick<CommonOptions, 'timeoutSecs'>

/** The sessions of one storage. Storages of equal credentials and connection settings share one token in the process. */
export class Identity {
  /** Checks what needs no network: credentials that are missing or contradict each other are `improperly_configured`. Does no I/O. */
  constructor(options: IdentityInput, services: Services) {
    void options
    void services
  }

  /** The session, at once when one is at hand; loaded once for all calls that wait. */
  session(ctx: Pick<CallContext, 'signal'>): Session | Promise<Session> {
    void ctx
    throw new Error('in work')
  }

  /** Forgets a session whose token the service refused (401); returns whether another one can be had. */
  drop(session: unknown): boolean {
    void session
    return false
  }

  /** What no message may show, besides the token of a request. */
  get secrets(): ReadonlyArray<string | undefined> {
    return []
  }
}
