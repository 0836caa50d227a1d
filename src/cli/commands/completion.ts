import type { Command } from 'commander'
import { type CliContext, UsageError } from '../context.ts'

/** `holdall completion`: a script that lets a shell complete commands and options. */
export function completion(program: Command, context: CliContext): void {
  program
    .command('completion')
    .description('print a completion script')
    .argument('<shell>', 'bash, zsh or fish')
    .action(async (shell: string) => {
      const script = new Map([
        ['bash', bash],
        ['zsh', zsh],
        ['fish', fish],
      ]).get(shell)
      if (script === undefined) throw new UsageError(`completion: expected bash, zsh or fish, got '${shell}'.`)
      await context.out.write(script(program))
    })
}

function optionsOf(command: Command): string[] {
  return [...command.options.flatMap(option => (option.long === undefined ? [] : [option.long])), '--help']
}

function bash(program: Command): string {
  const names = program.commands.map(command => command.name())
  const global = optionsOf(program).filter(option => option !== '--help')
  const cases = program.commands.map(
    command => `    ${command.name()}) words="${[...optionsOf(command), ...global].join(' ')}" ;;`,
  )
  return `# holdall: source <(holdall completion bash)
_holdall() {
  local current="\${COMP_WORDS[COMP_CWORD]}" command='' word words
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) command="$word"; break ;; esac
  done
  case "$command" in
    '') words="${[...names, ...global].join(' ')}" ;;
${cases.join('\n')}
    *) words='' ;;
  esac
  COMPREPLY=()
  if [[ -z "$command" || "$current" == -* ]]; then COMPREPLY=($(compgen -W "$words" -- "$current")); fi
}
complete -o default -F _holdall holdall
`
}

function zsh(program: Command): string {
  const global = optionsOf(program).filter(option => option !== '--help')
  const commands = program.commands.map(command => `    '${quoted(`${command.name()}:${command.description()}`)}'`)
  const cases = program.commands.map(
    command => `    ${command.name()}) options=(${[...optionsOf(command), ...global].join(' ')}) ;;`,
  )
  return `#compdef holdall
# holdall: source <(holdall completion zsh)
_holdall() {
  local -a commands options
  commands=(
${commands.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe 'command' commands
    return
  fi
  case "$words[2]" in
${cases.join('\n')}
  esac
  if [[ "$words[CURRENT]" == -* ]]; then compadd -- $options; else _files; fi
}
compdef _holdall holdall
`
}

function fish(program: Command): string {
  const lines = program.commands.flatMap(command => [
    `complete -c holdall -n __fish_use_subcommand -f -a ${command.name()} -d '${quoted(command.description())}'`,
    ...optionLines(command, `'__fish_seen_subcommand_from ${command.name()}'`),
  ])
  const global = optionLines(program, undefined)
  return `# holdall: holdall completion fish | source\n${[...global, ...lines].join('\n')}\n`
}

function optionLines(command: Command, condition: string | undefined): string[] {
  return command.options.flatMap(({ long, required, description }) => {
    if (long === undefined) return []
    const when = condition === undefined ? '' : ` -n ${condition}`
    return [`complete -c holdall${when} -l ${long.slice(2)}${required ? ' -r' : ''} -d '${quoted(description)}'`]
  })
}

function quoted(text: string): string {
  return text.replaceAll("'", '’')
}
