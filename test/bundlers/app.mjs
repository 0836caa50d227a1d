/** The program that is bundled: it saves and reads files on each backend and prints what came back, as JSON. */
import { report } from './report.mjs'

report(process.env).then(result => console.log(JSON.stringify(result)))
