/** Numbers of a migration as text. What is not known is `–`. */
import { sizeText } from './elements.js'

export const NONE = '–'

const isKnown = value => typeof value === 'number' && Number.isFinite(value)

export const countText = value => (isKnown(value) ? Math.round(value).toLocaleString() : NONE)

export const bytesText = bytes => (isKnown(bytes) ? sizeText(bytes) : NONE)

/** A rate of files: small ones with a decimal. */
export function rateText(filesPerSec) {
  if (!isKnown(filesPerSec)) return NONE
  return `${filesPerSec.toLocaleString(undefined, { maximumFractionDigits: filesPerSec < 10 ? 1 : 0 })} files/s`
}

const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
  ['s', 1],
]

/** A duration in its two largest units: `3 d 4 h`, `12 min`, `8 s`. Minutes have no seconds, which would change all the time. */
export function durationText(seconds) {
  if (!isKnown(seconds) || seconds < 0) return NONE
  const whole = Math.round(seconds < 60 ? seconds : seconds / 60) * (seconds < 60 ? 1 : 60)
  const at = UNITS.findIndex(([, size]) => whole >= size)
  if (at < 0) return '0 s'
  const [unit, size] = UNITS[at]
  const [nextUnit, nextSize] = UNITS[at + 1] ?? []
  const rest = at < 2 ? Math.floor((whole % size) / nextSize) : 0
  return `${Math.floor(whole / size).toLocaleString()} ${unit}${rest > 0 ? ` ${rest} ${nextUnit}` : ''}`
}

/** The processed files of the current pass, and how many there are in all: `of` exactly, or `known` at least. */
export function filesOf({ pass, counts, total, state }) {
  if (pass === 'delete' && state !== 'done') return { done: counts.deleted, known: counts.extra }
  const done = pass === 'verify' && state !== 'done' ? counts.verified : counts.seen
  return { done, of: total?.isComplete ? total.files : undefined, known: total?.files }
}

/** The part of the current pass that is done, from 0 to 1; undefined if it is not known. */
export function shareOf(migration) {
  if (migration.state === 'done') return 1
  const { done, of } = filesOf(migration)
  if (of === undefined) return undefined
  return of === 0 ? 1 : Math.min(1, done / of)
}

/** A share as text, never rounded up: 100 % is all. */
export function percentText(share) {
  if (share === undefined) return ''
  const tenths = Math.floor(share * 1000)
  return `${(tenths / 10).toLocaleString(undefined, { minimumFractionDigits: tenths === 1000 ? 0 : 1 })} %`
}

const DATE = { month: 'short', day: 'numeric', hour: 'numeric', minute: '2-digit' }

/** A date and time; with the year if it is another one. */
export function timeText(date) {
  if (date === undefined) return NONE
  const time = new Date(date)
  const isNow = time.getFullYear() === new Date().getFullYear()
  return time.toLocaleString(undefined, isNow ? DATE : { year: 'numeric', ...DATE })
}

/** Time in seconds after which a worker that was not heard of is stale: it reports every few seconds. */
const STALE_SECS = 30

/** How long ago something was, by the server's clock; undefined where no time is known. */
export const ageSecs = (now, date) =>
  date === undefined ? undefined : Math.max(0, (Date.parse(now) - Date.parse(date)) / 1000)

export const isStale = (now, { seenAt }) => !(ageSecs(now, seenAt) < STALE_SECS)

export const agoText = secs => (isKnown(secs) ? (secs < 2 ? 'now' : `${durationText(secs)} ago`) : NONE)
