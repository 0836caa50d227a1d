/** Makes an element. Children are elements and text, which never becomes markup; `on...` are listeners. */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value)
    else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? '' : value)
  }
  element.append(...children.filter(child => child !== undefined))
  return element
}

export const byId = id => document.getElementById(id)

/** Returns a name as text that cannot mislead: characters that break lines or change the writing direction are shown as codes. */
export function shown(name) {
  const odd = /[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g
  return name.replace(odd, char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

const ICONS = {
  folder: 'M3 7a2 2 0 0 1 2-2h4l2 2h8a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2z',
  image: 'M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15 9h.01',
  audio:
    'M9 18V6l10-2v12M9 18a2.500 2.500 0 1 1-5 0 2.500 2.500 0 0 1 5 0zM19 16a2.500 2.500 0 1 1-5 0 2.500 2.500 0 0 1 5 0z',
  video: 'M4 6h11v12H4zM15 10l5-3v10l-5-3',
  text: 'M6 3h8l4 4v14H6zM14 3v4h4M9 12h6M9 16h6',
  other: 'M6 3h8l4 4v14H6zM14 3v4h4',
  download: 'M12 4v11M7 11l5 5 5-5M5 20h14',
  link: 'M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1',
  delete: 'M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10 11v5M14 11v5',
  close: 'M6 6l12 12M18 6L6 18',
  previous: 'M15 5l-7 7 7 7',
  next: 'M9 5l7 7-7 7',
}
ICONS.markdown = ICONS.text

export function icon(name) {
  const [svg, path] = ['svg', 'path'].map(tag => document.createElementNS('http://www.w3.org/2000/svg', tag))
  svg.setAttribute('viewBox', '0 0 24 24')
  svg.setAttribute('aria-hidden', 'true')
  path.setAttribute('d', ICONS[name])
  svg.append(path)
  return svg
}

/** Makes a button with a picture, and a name for screen readers. */
export function iconButton(name, label, onclick) {
  return el('button', { type: 'button', class: name, 'aria-label': label, title: label, onclick }, icon(name))
}

export function iconLink(name, label, attributes) {
  return el('a', { class: `button ${name}`, 'aria-label': label, title: label, ...attributes }, icon(name))
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']

/** Formats a size in powers of 1000. */
export function sizeText(bytes) {
  if (bytes === undefined) return ''
  const unit = bytes < 1000 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), UNITS.length - 1)
  return `${(bytes / 1000 ** unit).toLocaleString(undefined, { maximumFractionDigits: unit && 1 })} ${UNITS[unit]}`
}

const DATES = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })

export const dateText = modified => (modified === undefined ? '' : DATES.format(new Date(modified)))

let timer

/** Shows a message that screen readers read out; it disappears after a while unless it is an error. */
export function say(text, isFailure = false) {
  const status = byId('status')
  status.textContent = text
  status.classList.toggle('failed', isFailure)
  clearTimeout(timer)
  timer = setTimeout(() => (status.textContent = ''), isFailure ? 12_000 : 5000)
}

/** Asks with a dialog; true for yes. With a value it only shows the value, to be copied by hand. */
export function ask(text, value) {
  const [dialog, field, yes] = ['question', 'question-value', 'question-yes'].map(byId)
  byId('question-text').textContent = text
  field.hidden = value === undefined
  field.value = value ?? ''
  yes.hidden = value !== undefined
  byId('question-no').textContent = value === undefined ? 'Cancel' : 'Close'
  return new Promise(resolve => {
    const controls = new AbortController()
    const { signal } = controls
    yes.addEventListener('click', () => dialog.close('yes'), { signal })
    byId('question-no').addEventListener('click', () => dialog.close(''), { signal })
    const end = () => {
      // The event of a question that was closed just before comes late.
      if (dialog.open) return
      controls.abort()
      resolve(dialog.returnValue === 'yes')
    }
    dialog.addEventListener('close', end, { signal })
    dialog.returnValue = ''
    dialog.showModal()
    if (value !== undefined) field.select()
  })
}
