const ASCII = /^[\t\x20-\x7e]*$/
const CONTROL = /[\x00-\x08\x0a-\x1f\x7f]/

/** Whether a header can carry the text unchanged for every recipient: visible ASCII, blanks and tabs. (RFC 9110, section 5.5) */
export function isHeaderText(text: string): boolean {
  return ASCII.test(text)
}

/** Whether a text has characters that no header can carry, in any encoding. */
export function hasControls(text: string): boolean {
  return CONTROL.test(text)
}
