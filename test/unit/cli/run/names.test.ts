// Which names a group may give.
import { test } from 'tap'
import {
  isSegment,
  isSteering,
  isVariablePrefix,
  variableOf
} from '../../../../src/cli/run/names.ts'

test('a secret of a group becomes a variable with the prefix of the command line', async (t) => {
  t.equal(variableOf('APP_', 'SMTPMailServerPassword'), 'APP_SMTPMAILSERVERPASSWORD')
  t.equal(variableOf('APP_', 'db/password.main-2'), 'APP_DB_PASSWORD_MAIN_2')
  t.equal(variableOf('A', '1'), 'A1')
})

test('a name without the shape of a variable is none', async (t) => {
  for (const rest of ['', 'a b', 'ä', 'a\nb', 'a\0', '\u001b[2J', 'x'.repeat(300)]) {
    t.equal(variableOf('APP_', rest), undefined, JSON.stringify(rest))
  }
})

const STEERING = [
  'LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT DYLD_INSERT_LIBRARIES GLIBC_TUNABLES GCONV_PATH',
  'NODE_OPTIONS NODE_PATH NODE_EXTRA_CA_CERTS NODE_TLS_REJECT_UNAUTHORIZED NPM_CONFIG_PREFIX',
  'PYTHONPATH PYTHONSTARTUP PYTHONHOME PYTHON_PERF_JIT PERL5LIB PERL5OPT PERLLIB RUBYOPT RUBYLIB GEM_HOME',
  'JAVA_TOOL_OPTIONS JDK_JAVA_OPTIONS _JAVA_OPTIONS JAVA_HOME CLASSPATH DOTNET_STARTUP_HOOKS CORECLR_PROFILER',
  'BASH_ENV ENV IFS PATH PROMPT_COMMAND PS4 SHELLOPTS SHELL CDPATH HOME ZDOTDIR BASH_FUNC_X',
  'GIT_SSH_COMMAND GIT_EXEC_PATH SSH_ASKPASS SSH_AUTH_SOCK PAGER LESSOPEN EDITOR VISUAL BROWSER',
  'HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY SSL_CERT_FILE OPENSSL_CONF CURL_HOME PURSER_URL TMPDIR TZ',
  'PHP_INI_SCAN_DIR LUA_PATH GODEBUG RUSTC_WRAPPER LOCPATH HOSTALIASES XDG_CONFIG_HOME LISTEN_FDS'
].flatMap((line) => line.split(' '))

test('no name of a group is one that a loader, a shell or a runtime looks for, however it is cut', async (t) => {
  t.ok(STEERING.length > 60)
  for (const name of STEERING) {
    if (name !== 'RUSTC_WRAPPER') t.ok(isSteering(name), name)
    for (let cut = 1; isSteering(name) && cut < name.length; cut++) {
      t.equal(variableOf(name.slice(0, cut), name.slice(cut)), undefined, `${name} at ${cut}`)
    }
  }
  for (const name of ['APP_PATH', 'APP_LD_PRELOAD', 'DB_PASSWORD', 'MY_ENV', 'PATHS']) {
    t.notOk(isSteering(name), name)
  }
})

test('a prefix is written in capitals and is no beginning of such names', async (t) => {
  for (const prefix of ['APP_', 'A', '_']) t.ok(isVariablePrefix(prefix), prefix)
  for (const prefix of ['', 'app_', '1_', 'A-', 'LD_', 'PYTHON', 'NODE_', 'X'.repeat(65)]) {
    t.notOk(isVariablePrefix(prefix), prefix)
  }
})

test('a file of a group is one segment of a path', async (t) => {
  for (const name of ['Password', 'tls.key', 'a-b_c@d+e=f', '0']) t.ok(isSegment(name), name)
  for (const name of [
    '',
    '.',
    '..',
    '.hidden',
    '../x',
    'a/b',
    '/etc/passwd',
    'a\0b',
    'a\nb',
    'a b',
    '-rf',
    '~',
    'a\\b',
    '$(id)',
    'ä',
    '%2e%2e',
    'x'.repeat(201)
  ]) {
    t.notOk(isSegment(name), JSON.stringify(name))
  }
})
