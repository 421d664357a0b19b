/**
 * Names that a program gets its secrets by. Rule: who can name a secret must not steer the program. What was written out
 * on the command line may have any name; a name that a group brings is one segment of a path, or has the shape of an
 * environment's name and none that a loader, a shell or a runtime looks for.
 */

/** As the shells have it. */
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/
const VARIABLE_OF_GROUP = /^[A-Z_][A-Z0-9_]*$/
const LONGEST = 200

export const isVariable = (name: string): boolean => VARIABLE.test(name)

/**
 * What changes which code runs, or how: for loaders, shells, language runtimes and the tools that programs start. A list
 * can never be whole; the prefix of the command line is what keeps a group apart.
 */
const STEERING =
  /^(?:LD|DYLD|GLIBC|MALLOC|GCONV|NODE|NPM|BUN|DENO|PYTHON|PIP|PERL5?|RUBY|GEM|BUNDLE|JAVA|JDK|JRE|CLASSPATH|MAVEN|GRADLE|DOTNET|CORECLR|COMPLUS|PHP|LUA|GO|RUST|CARGO|ERL|ELIXIR|R|GIT|SSH|GNUPG|OPENSSL|SSL|CURL|WGET|HTTPS?|FTP|ALL|NO|BASH|ZSH|KSH|DOCKER|KUBE|PURSER|XDG|SYSTEMD|NOTIFY|LISTEN)(?:_|$)/
const STEERING_NAMES: ReadonlySet<string> = new Set([
  'BROWSER',
  'CDPATH',
  'EDITOR',
  'ENV',
  'FPATH',
  'GODEBUG',
  'GLOBIGNORE',
  'GOFLAGS',
  'HOME',
  'HOSTALIASES',
  'IFS',
  'LANG',
  'LESSOPEN',
  'LOCPATH',
  'LOGNAME',
  'MANPAGER',
  'NLSPATH',
  'PAGER',
  'PATH',
  'PERLLIB',
  'PERLIO',
  'PS1',
  'PS2',
  'PS4',
  'PWD',
  'RESOLV_HOST_CONF',
  'RES_OPTIONS',
  'SHELL',
  'SHELLOPTS',
  'TERM',
  'TERMINFO',
  'TMPDIR',
  'TZ',
  'TZDIR',
  'USER',
  'VISUAL',
  'ZDOTDIR'
])
/** With letters or digits where `STEERING` has an underscore, such as PYTHONPATH and PERL5OPT. */
const STEERING_BEGINNINGS =
  /^(?:LD_|DYLD_|PYTHON|PERL5|RUBY|NODE_|GIT_|SSH_|PROMPT_|BASH_FUNC|LC_|_JAVA|JAVA|JDK_)/

export const isSteering = (name: string): boolean =>
  STEERING.test(name) || STEERING_BEGINNINGS.test(name) || STEERING_NAMES.has(name)

/**
 * The variable for a secret of a group: `database/Password` is `<prefix>DATABASE_PASSWORD`. Undefined where the name has
 * no shape of one, or steers.
 */
export const variableOf = (prefix: string, rest: string): string | undefined => {
  const name = prefix + rest.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')
  if (name.length > LONGEST || /[^\x21-\x7e]/.test(rest) || rest === '') return undefined
  return VARIABLE_OF_GROUP.test(name) && !isSteering(name) ? name : undefined
}

/** What a prefix of the command line may be; what follows it is somebody else's. */
export const isVariablePrefix = (prefix: string): boolean =>
  VARIABLE_OF_GROUP.test(prefix) && prefix.length <= 64 && !isSteering(`${prefix}X`)

/** No hidden file, nothing that leads elsewhere, nothing that a terminal or a shell would take for more than a name. */
const SEGMENT = /^[A-Za-z0-9_][A-Za-z0-9_.@+=-]*$/

export const isSegment = (name: string): boolean => SEGMENT.test(name) && name.length <= LONGEST
