import fs from 'node:fs'
import koffi from 'koffi'

/** What PAM said. `denied`: name or password; `account`: the password is right and the account may not log in; `broken`: PAM itself does not work. */
export type PamAnswer = { result: 'ok' } | { result: 'denied' } | { result: 'account'; why: string } | { result: 'broken'; why: string }

export interface PamQuestion {
  service: string
  account: string
  password: string
  /** The client's address, for PAM's own rules and log. */
  from: string
}

// Numbers of <security/_pam_types.h>.
const PAM_SUCCESS = 0
const PAM_CONV_ERR = 19
const PAM_RHOST = 4
const PAM_PROMPT_ECHO_OFF = 1
const PAM_PROMPT_ECHO_ON = 2
/** A wrong password, an unknown account, too many tries, no permission: the client is not told which. */
const DENIED = new Set([6, 7, 8, 10, 11])

/** PAM's own words are shown to who logs in: a few, each in one line. */
const SAID_MAX = 4
const SAID_LENGTH_MAX = 200
const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim().replace(/\.$/, '').slice(0, SAID_LENGTH_MAX)

/** A distribution's file for password logins, where ours is not installed. */
const SERVICES = ['mirrorpair', 'login', 'system-auth', 'common-auth']

/** The PAM service to use, or null: this machine has none. */
export function pamService(directory = '/etc/pam.d'): string | null {
  return SERVICES.find((service) => fs.existsSync(`${directory}/${service}`)) ?? null
}

/** Loads libpam; throws where there is none. */
export function loadPam(): (question: PamQuestion) => PamAnswer {
  const libc = koffi.load('libc.so.6')
  const pam = koffi.load('libpam.so.0')
  const message = koffi.struct({ style: 'int', text: 'char *' })
  const response = koffi.struct({ text: 'void *', code: 'int' })
  const converse = koffi.proto('int mirrorpair_pam_conv(int count, void **messages, _Out_ void **responses, void *data)')
  koffi.struct('mirrorpair_pam_conversation', { converse: koffi.pointer(converse), data: 'void *' })
  // PAM frees both with free(3), so they come from the C library.
  const calloc = libc.func('void *calloc(size_t count, size_t bytes)')
  const strdup = libc.func('void *strdup(const char *text)')
  const start = pam.func('int pam_start(const char *service, const char *user, mirrorpair_pam_conversation *conversation, _Out_ void **handle)')
  const authenticate = pam.func('int pam_authenticate(void *handle, int flags)')
  const accountCheck = pam.func('int pam_acct_mgmt(void *handle, int flags)')
  const setItem = pam.func('int pam_set_item(void *handle, int item, const char *text)')
  const end = pam.func('int pam_end(void *handle, int status)')
  const errorText = pam.func('const char *pam_strerror(void *handle, int status)')

  /** Answers each prompt with the password, and keeps what PAM only wants to say: why an account may not log in stands there. */
  const answerPrompts = (password: string, said: string[]) => (count: number, messages: unknown, responses: unknown) => {
    try {
      const answers = calloc(count, koffi.sizeof(response))
      const pointers = koffi.decode(messages, koffi.array('void *', count)) as unknown[]
      for (const [index, pointer] of pointers.entries()) {
        const { style, text } = koffi.decode(pointer, message) as { style: number; text: string | null }
        const prompt = style === PAM_PROMPT_ECHO_OFF || style === PAM_PROMPT_ECHO_ON
        if (prompt) koffi.encode(answers, index * koffi.sizeof(response), response, { text: strdup(password), code: 0 })
        else if (text && said.length < SAID_MAX) said.push(oneLine(text))
      }
      koffi.encode(responses, 'void *', answers)
      return PAM_SUCCESS
    } catch {
      return PAM_CONV_ERR
    }
  }

  const judge = (handle: unknown, from: string, said: string[]): { status: number; answer: PamAnswer } => {
    setItem(handle, PAM_RHOST, from)
    const authenticated = authenticate(handle, 0) as number
    if (DENIED.has(authenticated)) return { status: authenticated, answer: { result: 'denied' } }
    if (authenticated !== PAM_SUCCESS) return { status: authenticated, answer: { result: 'broken', why: errorText(handle, authenticated) as string } }
    const allowed = accountCheck(handle, 0) as number
    if (allowed === PAM_SUCCESS) return { status: allowed, answer: { result: 'ok' } }
    return { status: allowed, answer: { result: 'account', why: said.join(' ') || (errorText(handle, allowed) as string) } }
  }

  return ({ service, account, password, from }) => {
    const said: string[] = []
    const callback = koffi.register(answerPrompts(password, said), koffi.pointer(converse))
    const handle: unknown[] = [null]
    try {
      const status = start(service, account, { converse: callback, data: null }, handle) as number
      if (status !== PAM_SUCCESS) return { result: 'broken', why: `pam_start answered ${status}` }
      const verdict = judge(handle[0], from, said)
      end(handle[0], verdict.status)
      return verdict.answer
    } finally {
      koffi.unregister(callback)
    }
  }
}
