import { basename } from 'node:path'
import { megabytes, TAKEN } from './files.ts'
import { type Html, html } from './html.ts'
import { PICTURES } from './kinds.ts'
import type { Resume } from './resumes.ts'

const NOTICES = {
  added: 'The resume was added.',
  changed: 'The resume was changed.',
  deleted: 'The resume was deleted.',
  'photo-removed': 'The photo was removed.',
} as const

/** What was done just before a page is shown. */
export type Notice = keyof typeof NOTICES

/** What a page says besides the list. */
export interface PageState {
  readonly notice?: Notice | null | undefined
  /** Why what was asked for was not done. */
  readonly error?: string | undefined
}

/** A resume with the URL at which its photo is shown. */
export interface ShownResume extends Resume {
  readonly photoUrl: string | undefined
}

const PHOTO_TYPES = PICTURES.map(({ contentType }) => contentType).join(',')

/** The whole page. It works without its script, which adds progress and leaves out the reloads. */
export function page(resumes: readonly ShownResume[], { notice, error }: PageState): Html {
  const said = notice && Object.hasOwn(NOTICES, notice) ? NOTICES[notice] : undefined
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${error ? 'Not done - ' : ''}Resumes</title>
<link rel="icon" href="/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/app.css">
<script type="module" src="/app.js"></script>
</head>
<body>
<header><h1>Resumes</h1><p>People, their resumes and their photos.</p></header>
<main>
<p id="error" role="alert">${error}</p>
<p id="status" role="status">${said}</p>
<section class="new" aria-labelledby="new-title">
<h2 id="new-title">Add a resume</h2>
${form('/resumes', 'new', undefined)}
</section>
<section id="list" aria-labelledby="list-title">
<h2 id="list-title" tabindex="-1">${resumes.length === 1 ? '1 resume' : `${resumes.length} resumes`}</h2>
${resumes.length === 0 && html`<p class="empty">None yet. Add the first one.</p>`}
<ul>${resumes.map(card)}</ul>
</section>
</main>
</body>
</html>
`
}

/** The form of a new resume, or of one that is to be changed; what is left empty stays as it is. */
function form(action: string, id: string, resume: Resume | undefined): Html {
  const isNew = resume === undefined
  return html`<form action="${action}" method="post" enctype="multipart/form-data">
<label for="${id}-person">Name</label>
<input id="${id}-person" name="person" required maxlength="100" autocomplete="off" value="${resume?.person}">
<label for="${id}-pdf">${isNew ? 'PDF' : 'New PDF'}</label>
<input id="${id}-pdf" name="pdf" type="file" accept="application/pdf,.pdf" ${isNew && html`required`}
 aria-describedby="${id}-pdf-hint" data-max-bytes="${TAKEN.pdf.maxBytes}">
<p class="hint" id="${id}-pdf-hint">The resume, at most ${megabytes(TAKEN.pdf.maxBytes)}</p>
<label for="${id}-photos">${isNew ? 'Photo' : 'New photo'} <span class="hint">(optional)</span></label>
<input id="${id}-photos" name="photos" type="file" accept="${PHOTO_TYPES}"
 aria-describedby="${id}-photos-hint" data-max-bytes="${TAKEN.photos.maxBytes}">
<p class="hint" id="${id}-photos-hint">PNG, JPEG, GIF, WebP or AVIF, at most ${megabytes(TAKEN.photos.maxBytes)}</p>
<div class="progress" hidden>
<progress max="100" value="0" aria-label="Upload"></progress>
<button type="button" class="plain" data-cancel>Cancel</button>
</div>
<p class="form-error" role="alert"></p>
<button>${isNew ? 'Add resume' : 'Save'}</button>
</form>`
}

function card(resume: ShownResume): Html {
  const { id, person, pdf, photos } = resume
  return html`<li class="card" id="resume-${id}">
${picture(resume)}
<div class="who">
<h3>${person}</h3>
<p><a href="/resumes/${id}/pdf" target="_blank" rel="noopener">${basename(String(pdf))}
<span class="hidden">, resume of ${person}, opens in a new tab</span></a></p>
</div>
<div class="actions">
<details name="resume-${id}"><summary>Change<span class="hidden"> ${person}</span></summary>
${form(`/resumes/${id}`, `resume-${id}`, resume)}
${!photos.isEmpty && button(`/resumes/${id}/photos/delete`, 'Remove photo', person)}
</details>
<details name="resume-${id}"><summary>Delete<span class="hidden"> ${person}</span></summary>
<p>The resume and its files are deleted for good.</p>
${button(`/resumes/${id}/delete`, 'Delete', person)}
</details>
</div>
</li>`
}

function button(action: string, label: string, person: string): Html {
  return html`<form action="${action}" method="post"><button class="danger">${label}<span class="hidden"> ${person}</span></button></form>`
}

/** The picture takes its place before it comes: its size is in the row. Browsers turn it as its orientation says. */
function picture({ person, photoUrl, photosWidth, photosHeight, photosOrientation }: ShownResume): Html {
  if (photoUrl === undefined) {
    const initials = Array.from(person.matchAll(/(?:^|\s)(\S)/gu), ([, first]) => first).slice(0, 2)
    return html`<div class="photo none" aria-hidden="true">${initials.join('').toUpperCase()}</div>`
  }
  const isTurned = (photosOrientation ?? 1) > 4
  const [width, height] = isTurned ? [photosHeight, photosWidth] : [photosWidth, photosHeight]
  return html`<a class="photo" href="${photoUrl}" target="_blank" rel="noopener">
<img src="${photoUrl}" width="${width}" height="${height}" alt="Photo of ${person}, opens in a new tab" loading="lazy" decoding="async"></a>`
}
