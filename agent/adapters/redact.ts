const HIDDEN = '•••'

/** What must never reach a log: values after words such as password or token, bearer tokens, private keys, passwords inside URLs. */
const SECRETS: [RegExp, string][] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g, HIDDEN],
  [/\b(Bearer|Basic)\s+[\w.~+/=-]{8,}/gi, `$1 ${HIDDEN}`],
  [/(\b[\w-]*(?:password|passwd|passphrase|secret|token|api[_-]?key|PGPASSWORD)\b["']?\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s,;&]+)/gi, `$1${HIDDEN}`],
  [/(--(?:password|token|secret)\s+)(\S+)/gi, `$1${HIDDEN}`],
  [/(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]+:)[^\s@]+@/gi, `$1${HIDDEN}@`]
]

export function redact(text: string): string {
  return SECRETS.reduce((safe, [pattern, replacement]) => safe.replace(pattern, replacement), text)
}
