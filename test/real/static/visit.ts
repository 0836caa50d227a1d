import type { BrowserContext, Page } from 'playwright-core'

/** One request of a page, and how it ended. */
export interface Asked {
  readonly url: string
  readonly status: number
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
}

/** A page that is open, and what went over the wire for it. */
export interface Visit {
  readonly page: Page
  /** Every answer, in the order of their arrival. */
  readonly asked: readonly Asked[]
  /** What failed: requests without an answer, errors of scripts, and what the console complained of. */
  readonly complaints: readonly string[]
}

/** Opens a page and waits until nothing more comes. */
export async function visit(context: BrowserContext, url: string): Promise<Visit> {
  const page = await context.newPage()
  const asked: Asked[] = []
  const complaints: string[] = []
  page.on('response', response => {
    asked.push({ url: response.url(), status: response.status(), headers: response.headers() })
  })
  page.on('requestfailed', request => complaints.push(`${request.url()}: ${request.failure()?.errorText}`))
  page.on('pageerror', error => complaints.push(String(error)))
  page.on('console', message => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  await page.goto(url, { waitUntil: 'networkidle' })
  return { page, asked, complaints }
}

/** What the page answers to each question, by the question. */
export async function answersOf(page: Page, questions: readonly string[]): Promise<Record<string, unknown>> {
  const answers: Record<string, unknown> = {}
  for (const question of questions) answers[question] = await page.evaluate(question)
  return answers
}
