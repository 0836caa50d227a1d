import { type CliContext, UsageError } from './context.ts'

/** The variable with the URL of the database of a fleet. */
export const FLEET_VARIABLE = 'HOLDALL_FLEET_URL'

/**
 * Returns the URL of the fleet's database: that of `--fleet`, or else of the environment, which a `.env` file may add to; undefined without
 * both. Warns of a password in an argument. No message contains the URL: it may have a password.
 */
export async function fleetUrlOf(context: CliContext, flag: string | undefined): Promise<string | undefined> {
  if (flag === undefined && process.env[FLEET_VARIABLE] === undefined) await context.config()
  const text = flag ?? process.env[FLEET_VARIABLE]
  if (text === undefined || (flag === undefined && text === '')) return undefined
  const { password, searchParams } = checked(text, flag === undefined ? FLEET_VARIABLE : '--fleet')
  if (flag !== undefined && (password !== '' || searchParams.has('password'))) {
    context.out.warn(`other users of this machine can see the password of --fleet (ps); use ${FLEET_VARIABLE} instead`)
  }
  return text
}

/** Returns the URL of a fleet without user, password and options, for messages. */
export function shownFleet(text: string): string {
  const { host, pathname } = new URL(text)
  return `postgres://${host}${pathname}`
}

function checked(text: string, option: string): URL {
  const wanted = `${option}: expected the URL of a PostgreSQL database, postgres://user@host:port/database`
  if (!URL.canParse(text)) {
    throw new UsageError(`${wanted}; this is no URL. Special characters of a password must be percent-encoded.`)
  }
  const url = new URL(text)
  if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:') {
    throw new UsageError(`${wanted}; this one begins with '${url.protocol.slice(0, 20)}'.`)
  }
  if (url.pathname.includes('@') || url.hash !== '') {
    throw new UsageError(`${wanted}; the special characters of its password must be percent-encoded.`)
  }
  return url
}
