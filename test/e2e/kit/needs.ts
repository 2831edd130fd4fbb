import fs from 'node:fs'

interface Needs {
  postgres?: boolean
  etcd?: boolean
  agents?: boolean
  fence?: boolean
}

/** Of Debian's fence-agents: it plays a power switch. */
export const FENCE_AGENT = 'fence_dummy'
export const whyNoFenceAgent = (): string | null =>
  fs.existsSync(`/usr/sbin/${FENCE_AGENT}`) ? null : 'the fence agents are not installed (apt-get install fence-agents)'

/** Why the tests on a real pair cannot run here; null: they can. */
function obstacle(needs: Needs): string | null {
  if (process.getuid?.() !== 0) return 'they need root (network namespaces, FUSE, PAM)'
  if (!fs.existsSync('/dev/fuse')) return '/dev/fuse is not there'
  if (needs.postgres && !fs.existsSync('/usr/lib/postgresql')) return 'PostgreSQL is not installed (apt-get install postgresql)'
  if (needs.agents && !fs.existsSync('/usr/lib/ocf/resource.d/heartbeat/pgsql'))
    return 'the resource agents are not installed (apt-get install resource-agents)'
  if (needs.etcd && !(fs.existsSync('/usr/bin/etcd') && fs.existsSync('/usr/bin/etcdctl')))
    return 'etcd is not installed (apt-get install etcd-server etcd-client)'
  return needs.fence ? whyNoFenceAgent() : null
}

/** `describe` for a real pair: left out, with the reason, where it cannot run; in CI that is a failure. */
export function describePair(name: string, needs: Needs, tests: () => void): void {
  const why = obstacle(needs)
  if (why === null) {
    describe(name, tests)
    return
  }
  if (process.env.CI === 'true') {
    test(`${name}: can run here`, () => {
      throw new Error(why)
    })
    return
  }
  process.stdout.write(`left out: ${name}: ${why}\n`)
  describe.skip(`${name} (left out: ${why})`, tests)
}

/** `test`, or why it cannot run here; in CI that is a failure. */
export function testUnless(why: string | null): (name: string, run: () => Promise<void>, timeoutMs?: number) => void {
  if (why === null) return test
  const fails = (): never => {
    throw new Error(why)
  }
  return (name, run) => (process.env.CI === 'true' ? test(name, fails) : test.skip(`${name} (left out: ${why})`, run))
}

/** A measured value, where people read the tests' output. */
export const tell = (text: string) => process.stdout.write(`${text}\n`)
