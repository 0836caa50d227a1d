import type { Command, Option } from 'commander'
import { backendNames } from '../../config/backends.ts'
import { type CliContext, UsageError } from '../context.ts'

/** `holdall completion`: prints a script with which a shell completes commands, options and the words of some commands. */
export function completion(program: Command, context: CliContext): void {
  program
    .command('completion')
    .description('print a completion script')
    .argument('<shell>', 'bash, zsh or fish')
    .action(async (shell: string) => {
      const script = SCRIPTS.get(shell)
      if (script === undefined) throw new UsageError(`completion: expected bash, zsh or fish, got '${shell}'.`)
      await context.out.write(script(program))
    })
}

/** Returns the words that a command accepts as arguments; other commands accept files and places. */
function wordsOf(program: Command): Readonly<Record<string, readonly string[]>> {
  const below = program.commands.filter(each => each.commands.length > 0)
  return {
    completion: [...SCRIPTS.keys()],
    settings: backendNames(),
    help: program.commands.map(each => each.name()),
    ...Object.fromEntries(below.map(each => [each.name(), each.commands.map(subcommand => subcommand.name())])),
  }
}

/** Whether a command also accepts files and places. */
function takesFiles(program: Command, name: string): boolean {
  const command = program.commands.find(each => each.name() === name)
  return wordsOf(program)[name] === undefined || (command !== undefined && command.commands.length > 0)
}

/** Returns the commands with their options, and `help`, which the program adds itself. */
function commandsOf(program: Command): ReadonlyArray<{ name: string; description: string; options: string[] }> {
  const all = program.commands.map(command => ({
    name: command.name(),
    description: command.description(),
    options: optionsOf(command),
  }))
  return [...all, { name: 'help', description: 'show help of a command', options: [] }]
}

/** Returns the options of a command and of its subcommands, each once. */
function optionsOf(command: Command): string[] {
  return allOptions(command).map(({ long }) => long!)
}

function allOptions(command: Command): Option[] {
  const subcommands = command.parent === null ? [] : command.commands
  const all = [...command.options, ...subcommands.flatMap(each => each.options)]
  return [...new Map(all.flatMap(option => (option.long === undefined ? [] : [[option.long, option]]))).values()]
}

/** Returns the global options; those with a value are needed to distinguish the command from a value. */
function globalOf(program: Command): { all: string[]; valued: string[] } {
  const valued = program.options.flatMap(({ long, required }) => (required && long !== undefined ? [long] : []))
  return { all: [...optionsOf(program), '--help'], valued }
}

function bash(program: Command): string {
  const { all, valued } = globalOf(program)
  const words = wordsOf(program)
  const cases = commandsOf(program).map(
    ({ name, options }) =>
      `    ${name}) options="${[...options, ...all].join(' ')}"; words="${(words[name] ?? []).join(' ')}" ;;`,
  )
  return `# holdall: source <(holdall completion bash)
_holdall() {
  local current="\${COMP_WORDS[COMP_CWORD]}" command='' before='' options words word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$before" in ${valued.join('|')}) before=''; continue ;; esac
    case "$word" in -*) before="$word" ;; *) command="$word"; break ;; esac
  done
  case "$command" in
    '') options="${all.join(' ')}"; words="${commandsOf(program)
      .map(({ name }) => name)
      .join(' ')}" ;;
${cases.join('\n')}
  esac
  case "$before" in ${valued.join('|')}) words='' ;; esac
  case "$current" in -*) words="$options" ;; esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _holdall holdall
`
}

function zsh(program: Command): string {
  const { all, valued } = globalOf(program)
  const words = wordsOf(program)
  const commands = commandsOf(program)
  const described = commands.map(({ name, description }) => `    '${quoted(`${name}:${description}`)}'`)
  const cases = commands.map(
    ({ name, options }) =>
      `    ${name}) options=(${[...options, ...all].join(' ')}); values=(${(words[name] ?? []).join(' ')})${words[name] !== undefined && takesFiles(program, name) ? ' files=1' : ''} ;;`,
  )
  return `#compdef holdall
# holdall: source <(holdall completion zsh)
_holdall() {
  local -a commands options values
  local command='' before='' files='' word
  commands=(
${described.join('\n')}
  )
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$before" in ${valued.join('|')}) before=''; continue ;; esac
    case "$word" in -*) before="$word" ;; *) command="$word"; break ;; esac
  done
  case "$command" in
    '') options=(${all.join(' ')}) ;;
${cases.join('\n')}
  esac
  if [[ "$words[CURRENT]" == -* ]]; then compadd -- $options
  elif [[ -n "$before" && " ${valued.join(' ')} " == *" $before "* ]]; then _files
  elif [[ -z "$command" ]]; then _describe 'command' commands
  elif (( $#values )); then
    compadd -- $values
    [[ -n "$files" ]] && _files
  else _files; fi
}
compdef _holdall holdall
`
}

function fish(program: Command): string {
  const words = wordsOf(program)
  const lines = commandsOf(program).flatMap(({ name, description }) => {
    const command = program.commands.find(each => each.name() === name)
    const seen = `'__fish_seen_subcommand_from ${name}'`
    return [
      `complete -c holdall -n __fish_use_subcommand -f -a ${name} -d '${quoted(description)}'`,
      ...(command === undefined ? [] : optionLines(command, seen)),
      ...(words[name] === undefined
        ? []
        : [`complete -c holdall -n ${seen}${takesFiles(program, name) ? '' : ' -f'} -a '${words[name].join(' ')}'`]),
    ]
  })
  return `# holdall: holdall completion fish | source\n${[...optionLines(program, undefined), ...lines].join('\n')}\n`
}

function optionLines(command: Command, condition: string | undefined): string[] {
  return allOptions(command).map(({ long, required, description }) => {
    const when = condition === undefined ? '' : ` -n ${condition}`
    return `complete -c holdall${when} -l ${long!.slice(2)}${required ? ' -r' : ''} -d '${quoted(description)}'`
  })
}

function quoted(text: string): string {
  return text.replaceAll("'", '’')
}

const SCRIPTS: ReadonlyMap<string, (program: Command) => string> = new Map([
  ['bash', bash],
  ['zsh', zsh],
  ['fish', fish],
])
