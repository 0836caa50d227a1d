// Shows how far an upload is, and leaves out reloads. Every form works without this script, too: the server answers with the same pages.

const byId = id => document.getElementById(id)

document.addEventListener('submit', event => {
  event.preventDefault()
  const form = event.target
  if (form.getAttribute('aria-busy') !== 'true') send(form)
})

function send(form) {
  showError(form, '')
  const tooLarge = [...form.querySelectorAll('[data-max-bytes]')].find(
    input => input.files[0]?.size > input.dataset.maxBytes,
  )
  if (tooLarge !== undefined) {
    const limit = Math.round(tooLarge.dataset.maxBytes / 1e6)
    return showError(form, `${tooLarge.files[0].name} is larger than ${limit} MB.`, tooLarge)
  }
  const request = new XMLHttpRequest()
  request.open('POST', form.action)
  request.responseType = 'document'
  const finish = showProgress(form, request)
  const fail = text => () => {
    finish()
    showError(form, text, submitOf(form))
  }
  request.addEventListener('load', () => {
    finish()
    const page = request.response
    if (request.status < 400 && page?.getElementById('list')) showList(form, page)
    else
      showError(
        form,
        page?.getElementById('error')?.textContent || `The server could not do this (${request.status}).`,
        submitOf(form),
      )
  })
  request.addEventListener('error', fail('The connection was lost. Reload the page to see whether it was stored.'))
  request.addEventListener('abort', fail('The upload was cancelled.'))
  request.send(form.enctype === 'multipart/form-data' ? new FormData(form) : new URLSearchParams())
}

/** Shows the bar and the button that cancels; returns what puts them away. */
function showProgress(form, request) {
  const box = form.querySelector('.progress')
  const bar = box?.querySelector('progress')
  const cancel = box?.querySelector('[data-cancel]')
  const abort = () => request.abort()
  form.setAttribute('aria-busy', 'true')
  submitOf(form).setAttribute('aria-disabled', 'true')
  if (box && [...form.querySelectorAll('[type=file]')].some(({ files }) => files.length > 0)) box.hidden = false
  cancel?.addEventListener('click', abort)
  let announced = 0
  request.upload.addEventListener('progress', ({ loaded, total }) => {
    const percent = Math.floor((100 * loaded) / (total || 1))
    if (bar) bar.value = percent
    // Not every step is read out.
    if (percent < announced + 25) return
    announced = percent
    say(percent < 100 ? `Uploading, ${percent} %` : 'Uploaded, being stored', true)
  })
  return () => {
    form.setAttribute('aria-busy', 'false')
    submitOf(form).removeAttribute('aria-disabled')
    cancel?.removeEventListener('click', abort)
    if (!box) return
    const hadFocus = box.contains(document.activeElement)
    box.hidden = true
    bar.value = 0
    if (hadFocus) submitOf(form).focus()
  }
}

/** Takes the list from the page that the server answered with; forms that are still sending stay as they are. */
function showList(form, page) {
  const cardId = form.closest('.card')?.id
  const list = document.adoptNode(page.getElementById('list'))
  for (const busy of document.querySelectorAll('.card:has([aria-busy=true])')) {
    list.querySelector(`#${busy.id}`)?.replaceWith(busy)
  }
  byId('list').replaceWith(list)
  byId('error').textContent = ''
  say(page.getElementById('status').textContent)
  if (cardId === undefined) form.reset()
  // The form is gone with its card, or is made anew: the focus goes to what is there in its place.
  else (byId(cardId)?.querySelector('summary') ?? byId('list-title')).focus()
}

function showError(form, text, focused) {
  const place = form.querySelector('.form-error') ?? byId('error')
  place.textContent = text
  if (text !== '') say('')
  focused?.focus()
}

/** Shows what was done, and has it read out; what the bar shows anyway is only read out. */
function say(text, isShown = false) {
  byId('status').className = isShown ? 'hidden' : ''
  byId('status').textContent = text
}

function submitOf(form) {
  return form.querySelector('button:not([type=button])')
}
