/**
 * Daemons that need root, users of their own and a folder that only root may write: each runs in mount and process namespaces of its
 * own, so that nothing of this machine is changed and all of its processes end with the first one.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runChild } from '../support/child.ts'
import { daemonPath } from './debian.ts'
import { freePort, listens } from './free-port.ts'

/** The user whom these daemons know. */
export const USER = 'files'
/** With letters that a URL must encode. */
export const PASSWORD = 'pass:w@rd/#%3A'
/** Of the user; no user of this machine. */
export const USER_ID = 47_123
/** Where the user's files are, seen by the daemon; `/mnt` is the home, belongs to root and holds nothing else. */
export const HOME = '/mnt'
export const FILES = 'files'

/** How a daemon is started. */
export interface DaemonPlan {
  readonly title: string
  /** The root folder of its unpacked packages. */
  readonly root: string
  /** Writes its configuration into the folder and returns the program below `root` with its parameters; it stays in the foreground. */
  command(folder: string, port: number): Promise<readonly string[]>
  /** What it says first to a client; undefined where it waits for the client. */
  readonly greeting: RegExp | undefined
  /** Of the user; default `PASSWORD`. */
  readonly password?: string | undefined
  /** Text of its own file in `/etc/pam.d`, which is named as the program. */
  readonly pam?: string
}

/** A running daemon. */
export interface PrivateDaemon {
  readonly port: number
  /** The folder on this machine which the user has as `files`. */
  readonly files: string
  /** Process id of the first of its processes, 0 while it does not run. */
  readonly pid: number
  /** Kills it at once, with all that it has started. */
  kill(): Promise<void>
  /** Starts it again at the same port, after `kill`. */
  start(): Promise<void>
  /** The end of what it has printed and logged. */
  log(): Promise<string>
  close(): Promise<void>
}

/**
 * Ends with the daemon, whose standard input is the log (vsftpd tells there why it does not start), and kills it as soon as the
 * standard input ends, however this process does. ProFTPD closes as many descriptors as there may be at each login.
 */
const SCRIPT = `set -e
ulimit -n 4096
folder=$1; program=$(basename "$2"); shift
for file in passwd group shadow; do mount --bind "$folder/$file" /etc/$file; done
mount --bind "$folder/pam.d" /etc/pam.d
mount -t tmpfs -o mode=0755 none /run
mkdir /run/sshd
mount -t tmpfs -o mode=0755 none ${HOME}
mkdir ${HOME}/${FILES}
mount --bind "$folder/${FILES}" ${HOME}/${FILES}
exec 3<&0
"$@" 0>>"$folder/log" &
daemon=$!
{ cat <&3 >/dev/null; kill -KILL $daemon; } &
wait $daemon
`

/** Debian's name of this machine's libraries. */
const LIBRARIES = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu'

/** Milliseconds after which a daemon that does not greet has failed. */
const START_MS = 20_000

/** Starts a daemon on a free port of the loopback address; throws when it cannot, with its log. */
export async function startDaemon(plan: DaemonPlan): Promise<PrivateDaemon> {
  const folder = await mkdtemp(join(tmpdir(), `${plan.title}-`))
  try {
    await writeUsers(folder, plan)
    const daemon = new Daemon(plan, folder, await freePort())
    await daemon.start()
    return daemon
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

async function writeUsers(folder: string, { title, pam, password = PASSWORD }: DaemonPlan): Promise<void> {
  const { stdout } = await runChild('openssl', ['passwd', '-6', '-stdin'], { input: password })
  const users = [
    `root:x:0:0::/root:/bin/sh`,
    'nobody:x:65534:65534::/:/bin/false',
    'sshd:x:101:65534::/run/sshd:/bin/false',
  ]
  users.push('ftp:x:102:65534::/run:/bin/false', `${USER}:x:${USER_ID}:${USER_ID}::${HOME}:/bin/sh`)
  const names = users.map(line => line.slice(0, line.indexOf(':')))
  const hash = (name: string): string => (name === USER ? stdout.trim() : '*')
  await writeFile(join(folder, 'passwd'), `${users.join('\n')}\n`)
  await writeFile(join(folder, 'group'), `root:x:0:\nnogroup:x:65534:\n${USER}:x:${USER_ID}:\n`)
  await writeFile(join(folder, 'shadow'), names.map(name => `${name}:${hash(name)}:19000:0:99999:7:::\n`).join(''))
  await chmod(join(folder, 'shadow'), 0o600)
  await mkdir(join(folder, 'pam.d'))
  if (pam !== undefined) await writeFile(join(folder, 'pam.d', title), pam)
  await mkdir(join(folder, FILES))
  await chown(join(folder, FILES), USER_ID, USER_ID)
  await chmod(join(folder, FILES), 0o755)
  // What is in it has modes of its own; the daemon's user must get through.
  await chmod(folder, 0o711)
}

class Daemon implements PrivateDaemon {
  readonly port: number
  readonly files: string
  readonly #plan: DaemonPlan
  readonly #folder: string
  readonly #logFile: string
  #child: ChildProcess | undefined
  readonly #killNow = (): void => void this.#child?.kill('SIGKILL')

  constructor(plan: DaemonPlan, folder: string, port: number) {
    this.#plan = plan
    this.#folder = folder
    this.#logFile = join(folder, 'log')
    this.port = port
    this.files = join(folder, FILES)
  }

  get pid(): number {
    return this.#child?.pid ?? 0
  }

  async start(): Promise<void> {
    const { root, title } = this.#plan
    const [program, ...parameters] = await this.#plan.command(this.#folder, this.port)
    const libraries = ['usr/lib', 'lib'].map(each => join(root, each, LIBRARIES)).join(':')
    const env = { PATH: daemonPath, LANG: 'C.UTF-8', LD_LIBRARY_PATH: libraries }
    const words = ['--mount', '--pid', '--fork', '--kill-child', 'sh', '-c', SCRIPT, title, this.#folder]
    const log = openSync(this.#logFile, 'a')
    const child = spawn('unshare', [...words, join(root, program!), ...parameters], { env, stdio: ['pipe', log, log] })
    closeSync(log)
    let failure: string | undefined
    child.once('error', error => {
      failure = String(error)
    })
    child.once('exit', (code, signal) => {
      failure ??= `ended with ${code ?? signal}`
    })
    child.stdin!.on('error', () => {})
    this.#child = child
    process.once('exit', this.#killNow)
    const end = performance.now() + START_MS
    while (!(await this.#greets())) {
      const isLate = performance.now() > end
      if (failure === undefined && !isLate) continue
      const text = `${title} ${failure ?? `does not answer within ${START_MS} ms`}\n${await this.log()}`
      await this.kill()
      throw new Error(text)
    }
  }

  /** Whether it says to a client what it should; waits a moment after it did not. */
  async #greets(): Promise<boolean> {
    const socket = connect(this.port, '127.0.0.1')
    try {
      await once(socket, 'connect')
      if (this.#plan.greeting === undefined) return true
      const [greeting] = await once(socket, 'data', { signal: AbortSignal.timeout(5000) })
      return this.#plan.greeting.test(String(greeting))
    } catch {
      await new Promise(resolve => setTimeout(resolve, 20))
      return false
    } finally {
      socket.destroy()
    }
  }

  async kill(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    process.off('exit', this.#killNow)
    if (child === undefined || child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
    // The kernel ends the others after the first one.
    while (await listens(this.port)) await new Promise(resolve => setTimeout(resolve, 5))
  }

  async log(): Promise<string> {
    return (await readFile(this.#logFile, 'utf8').catch(String)).slice(-4000)
  }

  async close(): Promise<void> {
    await this.kill()
    await rm(this.#folder, { recursive: true, force: true })
  }
}
